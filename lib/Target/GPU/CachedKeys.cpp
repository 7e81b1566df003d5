//===- CachedKeys.cpp - which keys of a cache a block of queries sees -----------------===//

#include "CachedKeys.h"

#include "AttentionSoftmax.h"

using namespace mlir;
using namespace mlir::mlora;

/// Of all lanes, the least or greatest.
static Value overWarp(ThreadBuilder &b, Value value, NVVM::ReduxKind kind) {
  return NVVM::ReduxOp::create(b, value.getType(), value, kind, b.allLanes());
}

static Value anyLane(ThreadBuilder &b, Value condition) {
  return NVVM::VoteSyncOp::create(b, b.getI1Type(), b.allLanes(), condition, NVVM::VoteSyncKind::any);
}

CachedKeys::CachedKeys(AttentionKernel &kernel, AttentionOp op) : k(kernel), b(kernel.b) {
  auto pointer = [&](Value value) { return value ? k.buffer(value) : Value(); };
  documentStart = pointer(op.getDocumentStart()), at = pointer(op.getAt());
  prefixStart = pointer(op.getPrefixStart()), prefixEnd = pointer(op.getPrefixEnd());
}

CachedKeys::Seen CachedKeys::load(Value query) {
  auto read = [&](Value pointer) { return b.load(b.getI32Type(), b.at(pointer, b.left(query, 2))); };
  Value zero = b.number(0);
  Seen seen;
  seen.document.from = documentStart ? read(documentStart) : zero;
  seen.document.to = b.plus(at ? read(at) : query, 1);
  if (prefixStart) {
    Value from = read(prefixStart), to = read(prefixEnd), isEmpty = b.atMost(to, from);
    seen.prefix = {b.choose(isEmpty, zero, from), b.choose(isEmpty, zero, to)};
  }
  return seen;
}

Value CachedKeys::areShared(const Seen &query, const Seen &other) {
  auto both = [&](Interval x, Interval y) {
    return b.most(b.minus(b.least(x.to, y.to), b.most(x.from, y.from)), b.number(0));
  };
  Value shared = both(query.document, other.document);
  Value all = b.minus(query.document.to, query.document.from);
  if (query.prefix) {
    shared = b.plus(shared, both(*query.prefix, *other.prefix));
    all = b.plus(all, b.minus(query.prefix->to, query.prefix->from));
  }
  return b.atMost(all, b.left(shared, 1));
}

void CachedKeys::load(Value first, Value end, int64_t most, ArrayRef<Value> queries) {
  Value last = b.minus(end, 1);
  for (int64_t i = 0; i < most; i += 32)
    block.push_back(load(b.least(b.plus(first, b.plus(k.lane, i)), last)));
  for (Value query : queries)
    own.push_back(load(b.least(query, last)));
}

Value CachedKeys::nextOf(const Seen &seen, Value key) {
  auto in = [&](Interval interval) {
    return b.choose(b.less(key, interval.to), b.most(key, interval.from), b.number(kNone));
  };
  Value next = in(seen.document);
  return seen.prefix ? b.least(next, in(*seen.prefix)) : next;
}

Value CachedKeys::next(Value key) {
  Value least;
  for (const Seen &seen : block) {
    Value next = nextOf(seen, key);
    least = least ? b.least(least, next) : next;
  }
  return overWarp(b, least, NVVM::ReduxKind::MIN);
}

Value CachedKeys::end() {
  Value most = b.number(0);
  for (const Seen &seen : block) {
    most = b.most(most, seen.document.to);
    if (seen.prefix)
      most = b.most(most, seen.prefix->to);
  }
  return overWarp(b, most, NVVM::ReduxKind::MAX);
}

Value CachedKeys::isSeen(Value key, int64_t columns) {
  Value behind = b.plus(key, columns), isSeen;
  for (const Seen &seen : own) {
    Value sees = b.less(nextOf(seen, key), behind);
    isSeen = isSeen ? b.either(isSeen, sees) : sees;
  }
  return anyLane(b, isSeen);
}

void CachedKeys::mask(AttentionKernel::Sums &scores, Value key, int64_t columns) {
  Value behind = b.plus(key, columns), lane = b.plus(key, k.quadColumn), isCut;
  // A column is inside where it lies less than an interval's length behind its first key; what lies before
  // that key is a large number.
  struct Row {
    Value behindDocument, documentKeys, behindPrefix, prefixKeys;
  };
  SmallVector<Row> rows;
  for (const Seen &seen : own) {
    auto hasAll = [&](Interval interval) {
      return b.both(b.atMost(interval.from, key), b.atMost(behind, interval.to));
    };
    Value seesAll = hasAll(seen.document);
    Row row = {b.minus(lane, seen.document.from), b.minus(seen.document.to, seen.document.from), {}, {}};
    if (seen.prefix) {
      seesAll = b.either(seesAll, hasAll(*seen.prefix));
      row.behindPrefix = b.minus(lane, seen.prefix->from);
      row.prefixKeys = b.minus(seen.prefix->to, seen.prefix->from);
    }
    rows.push_back(row);
    Value isRowCut = b.bitXor(seesAll, arith::ConstantIntOp::create(b, 1, 1));
    isCut = isCut ? b.either(isCut, isRowCut) : isRowCut;
  }
  maskScores(b, scores, anyLane(b, isCut), [&](int64_t r, int64_t column) {
    auto isIn = [&](Value position, Value count) {
      return b.compare(arith::CmpIPredicate::ult, b.plus(position, column), count);
    };
    Value isInside = isIn(rows[r].behindDocument, rows[r].documentKeys);
    return rows[r].prefixKeys ? b.either(isInside, isIn(rows[r].behindPrefix, rows[r].prefixKeys)) : isInside;
  });
}
