//===- DistributeRows.cpp - rows that stay in registers from op to op -----------------===//
//
// A norm reads its row, sums it and reads it again; the addition before it has just written it. Ops one behind another over
// the same rows are one loop in which a warp takes a row: what a lane has read or computed of it stays in its registers for
// the ops that come behind. A row's sum is the one that DistributeElements.cpp makes, to the bit.

#include "Distributor.h"

#include "../CPU/Building.h"
#include "../CPU/Reduction.h"
#include "MemoryFacts.h"
#include "mlora/Dialect/Names.h"

using namespace mlir;
using namespace mlir::mlora;

/// Elements that a lane keeps of rows, a register each: LLVM holds them widened. As many again are in flight. Longer rows
/// go through memory. In f32, four elements a load, ptxas for sm_100 spilled 16 bytes with 64.
static constexpr int64_t mostKept(int64_t width) { return width > 4 ? 64 : 48; }
/// Those of all that more than one op of a group touches, which LLVM keeps on its own.
static constexpr int64_t kMostTouched = 96;

namespace {

/// How an operand goes along with rows and columns.
enum class Along { Nothing, Rows, Columns, Both, Unknown };

/// What a lane has of a place, while nothing else may lie there.
struct Kept {
  Value memory;
  Along along;
  SmallVector<Value> values; ///< a vector each step of a row; of a row's number one
};

} // namespace

static Along alongOf(linalg::GenericOp op, OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (map.getNumResults() == 0)
    return Along::Nothing;
  auto isDim = [&](unsigned result, unsigned dim) {
    auto expr = dyn_cast<AffineDimExpr>(map.getResult(result));
    return expr && expr.getPosition() == dim;
  };
  if (map.getNumResults() == 1)
    return isDim(0, 0) ? Along::Rows : op.getNumLoops() == 2 && isDim(0, 1) ? Along::Columns : Along::Unknown;
  return map.getNumResults() == 2 && op.getNumLoops() == 2 && map.isIdentity() ? Along::Both : Along::Unknown;
}

static bool isMemory(OpOperand &operand) { return isa<MemRefType>(operand.get().getType()); }

/// Whether a lane finds what the two ops do to one place in its own registers or its own elements.
static bool goTogether(linalg::GenericOp before, linalg::GenericOp next) {
  for (OpOperand &a : before->getOpOperands())
    for (OpOperand &c : next->getOpOperands()) {
      bool isWritten = before.isDpsInit(&a) || next.isDpsInit(&c);
      if (!isMemory(a) || !isMemory(c) || !isWritten || !mayAlias(a.get(), c.get()))
        continue;
      Along along = alongOf(before, a);
      if (along != alongOf(next, c) || (along != Along::Both && along != Along::Rows) ||
          !isSamePlace(a.get(), c.get()))
        return false;
      // A row's number is stored by one lane, and known to the others from its op alone.
      if (along == Along::Rows && !isOnePlace(a.get(), c.get()))
        return false;
    }
  return true;
}

/// Rows, and what lies along them, that more than one op touches.
static int64_t countTouchedAgain(ArrayRef<linalg::GenericOp> group) {
  SmallVector<std::pair<Value, linalg::GenericOp>> seen;
  SmallVector<Value> again;
  for (linalg::GenericOp op : group)
    for (OpOperand &operand : op->getOpOperands()) {
      Along along = isMemory(operand) ? alongOf(op, operand) : Along::Nothing;
      if (along != Along::Both && along != Along::Columns)
        continue;
      Value memory = operand.get();
      auto isIt = [&](Value other) { return isOnePlace(other, memory); };
      bool isElsewhere = llvm::any_of(seen, [&](auto &known) { return known.second != op && isIt(known.first); });
      if (isElsewhere && llvm::none_of(again, isIt))
        again.push_back(memory);
      seen.push_back({memory, op});
    }
  return again.size();
}

/// Ops from `first` on, over its rows, that are to be one loop; with one alone nothing is won.
SmallVector<linalg::GenericOp> Distributor::rowGroup(linalg::GenericOp first) {
  SmallVector<linalg::GenericOp> group;
  std::optional<std::pair<int64_t, int64_t>> shape; // columns and width
  Value rows;
  bool hasSum = false;
  for (Operation *op = first; op; op = op->getNextNode()) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic && isMemoryEffectFree(op))
      continue; // a view of what comes next
    if (!generic || generic.getNumLoops() == 0 || generic.getNumLoops() > 2 || !generic.hasPureBufferSemantics())
      break;
    b.setInsertionPoint(generic); // what its operands are views of may be made in between
    SmallVector<Value> sizes = loopSizes(b, generic);
    bool isSum = generic.getNumReductionLoops() > 0, fits = !isSum || generic.getNumLoops() == 2;
    if ((rows && !isEqualConstantIntOrValue(getAsOpFoldResult(rows), getAsOpFoldResult(sizes.front()))) ||
        llvm::any_of(generic->getOpOperands(),
                     [&](OpOperand &operand) { return isMemory(operand) && alongOf(generic, operand) == Along::Unknown; }) ||
        llvm::any_of(generic.getDpsInitsMutable(), [&](OpOperand &operand) {
          return alongOf(generic, operand) != (isSum || generic.getNumLoops() == 1 ? Along::Rows : Along::Both);
        }))
      break;
    if (generic.getNumLoops() == 2) {
      std::optional<int64_t> columns = getConstantIntValue(sizes.back());
      int64_t width = widthOf(generic, sizes.back());
      if (!columns || width == 1 || *columns % (kWarp * width) || *columns / kWarp > mostKept(width) ||
          (shape && *shape != std::pair(*columns, width)) ||
          (isSum && generic.getIteratorTypesArray().back() != utils::IteratorType::reduction))
        break;
      shape = {*columns, width};
    }
    for (unsigned i = 0; isSum && i < unsigned(generic.getNumDpsInits()); ++i)
      fits &= getCombiner(generic, i) != nullptr;
    if (!fits)
      break;
    if (!llvm::all_of(group, [&](linalg::GenericOp before) { return goTogether(before, generic); }))
      break;
    rows = sizes.front();
    hasSum |= isSum;
    group.push_back(generic);
  }
  bool isWorth = hasSum && shape && llvm::count_if(group, [](linalg::GenericOp op) { return op.getNumLoops() == 2; }) > 1;
  if (!isWorth || countTouchedAgain(group) * (shape->first / kWarp) > kMostTouched)
    group.clear();
  return group;
}

/// Whether memory is a piece of scratch that no other op sees.
static bool isOnlyOf(ArrayRef<linalg::GenericOp> group, Value memory) {
  while (auto view = memory.getDefiningOp<memref::SubViewOp>())
    memory = view.getSource();
  if (!memory.getDefiningOp<memref::ViewOp>())
    return false;
  auto isInside = [&](auto &self, Value seen) -> bool {
    return llvm::all_of(seen.getUsers(), [&](Operation *user) {
      if (auto view = dyn_cast<memref::SubViewOp>(user))
        return self(self, view.getResult());
      auto generic = dyn_cast<linalg::GenericOp>(user);
      return generic && llvm::is_contained(group, generic);
    });
  };
  return isInside(isInside, memory);
}

namespace mlir::mlora {

/// A row of a group: what one lane does.
class RowLane {
public:
  RowLane(Distributor &distributor, ArrayRef<linalg::GenericOp> group, Value row, int64_t vectors, int64_t width)
      : d(distributor), b(distributor.b), group(group), row(row), vectors(vectors), width(width) {}
  void run() {
    for (position = 0; position < group.size(); ++position) {
      linalg::GenericOp op = group[position];
      op.getNumReductionLoops() > 0 ? sum(op) : op.getNumLoops() == 2 ? elements(op) : number(op);
    }
  }

private:
  Kept *find(Value memory, Along along) {
    auto *found = llvm::find_if(
        kept, [&](Kept &k) { return k.along == along && isOnePlace(k.memory, memory); });
    return found == kept.end() ? nullptr : found;
  }

  /// Whether an op behind this one reads the place.
  bool isReadLater(Value memory, Along along) {
    return llvm::any_of(group.drop_front(position + 1), [&](linalg::GenericOp op) {
      return llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
        return isMemory(operand) && !op.getMatchingBlockArgument(&operand).use_empty() &&
               alongOf(op, operand) == along && isOnePlace(operand.get(), memory);
      });
    });
  }

  /// Numbers of a row are few.
  int64_t registersOf(const Kept &k) { return k.along == Along::Both ? vectors * width : 0; }

  /// Whether what is read of a place later stays in registers until then. Numbers of a row always do, since only one lane
  /// has stored them.
  bool fits(const Kept &more) {
    int64_t registers = registersOf(more);
    for (const Kept &k : kept)
      if (isReadLater(k.memory, k.along) && !isOnePlace(k.memory, more.memory))
        registers += registersOf(k);
    return more.along == Along::Rows || registers <= mostKept(width);
  }

  void keep(Kept more) {
    if (isReadLater(more.memory, more.along) && fits(more))
      kept.push_back(std::move(more));
  }

  /// Whether memory has to have it: somebody else reads it, or it does not stay in registers.
  bool mustStore(OpOperand &output, Along along) {
    Value memory = output.get();
    return !isOnlyOf(group, memory) || (isReadLater(memory, along) && !fits({memory, along, {}}));
  }

  /// What lies where something is written is no longer what was kept.
  void overwrite(Value memory) {
    llvm::erase_if(kept, [&](Kept &k) { return mayAlias(k.memory, memory); });
  }

  SmallVector<Value> placeOf(int64_t vector) {
    return {row, d.plus(d.times(d.warp.rank, d.index(width)), d.index(vector * kWarp * width))};
  }

  /// The op's results on one vector of the row. What it reads there it adds to `read`, an entry an operand.
  SmallVector<Value> compute(linalg::GenericOp op, int64_t vector, ValueRange sums,
                             SmallVectorImpl<SmallVector<Value>> &read) {
    SmallVector<Value> at = op.getNumLoops() == 2 ? placeOf(vector) : SmallVector<Value>{row};
    return d.body(op, at, op.getNumLoops() == 2 ? width : 1, [&](OpOperand &operand) -> Value {
      if (!sums.empty() && op.isDpsInit(&operand))
        return sums[operand.getOperandNumber() - op.getNumDpsInputs()];
      Along along = alongOf(op, operand);
      if (Kept *known = find(operand.get(), along))
        return along == Along::Both ? known->values[vector] : known->values.front();
      Value value = d.load(op, operand, at, op.getNumLoops() == 2 ? width : 1);
      if (along == Along::Both)
        read[operand.getOperandNumber()].push_back(value);
      else if (along == Along::Rows) // once a row
        kept.push_back({operand.get(), along, {value}});
      return value;
    });
  }

  void keepRead(linalg::GenericOp op, ArrayRef<SmallVector<Value>> read) {
    for (auto [operand, values] : llvm::zip(op->getOpOperands(), read)) {
      Value memory = operand.get();
      bool isNew = int64_t(values.size()) == vectors && !find(memory, Along::Both);
      if (isNew && llvm::none_of(op.getDpsInits(), [&](Value output) { return isOnePlace(output, memory); }))
        keep({memory, Along::Both, values});
    }
  }

  void elements(linalg::GenericOp op) {
    SmallVector<SmallVector<Value>> read(op->getNumOperands()), results(op.getNumDpsInits());
    SmallVector<bool> isStored;
    for (OpOperand &output : op.getDpsInitsMutable())
      isStored.push_back(mustStore(output, Along::Both) || op.getNumDpsInits() > 1); // two might not fit together
    for (int64_t from = 0; from < vectors; from += d.atOnce) {
      int64_t to = std::min(from + d.atOnce, vectors);
      for (int64_t i = from; i < to; ++i)
        for (auto [all, value] : llvm::zip(results, compute(op, i, {}, read)))
          all.push_back(value);
      for (auto [output, values] : llvm::zip(op.getDpsInitsMutable(), results))
        for (int64_t i = from; i < to && isStored[output.getOperandNumber() - op.getNumDpsInputs()]; ++i)
          d.store(op, output, values[i], placeOf(i), width);
    }
    // Results first: of those that found room above nothing else lies in memory.
    for (auto [output, values] : llvm::zip(op.getDpsInitsMutable(), results))
      write(output.get(), {output.get(), Along::Both, values});
    keepRead(op, read);
  }

  void write(Value memory, Kept more) {
    overwrite(memory);
    keep(std::move(more));
  }

  void sum(linalg::GenericOp op) {
    SmallVector<SmallVector<Value>> read(op->getNumOperands());
    SmallVector<Operation *> combiners;
    SmallVector<Value> sums;
    for (unsigned i = 0; i < unsigned(op.getNumDpsInits()); ++i) {
      combiners.push_back(getCombiner(op, i));
      sums.push_back(spread(b, d.constant(getNeutral(combiners[i])), width));
    }
    for (int64_t i = 0; i < vectors; ++i)
      sums = compute(op, i, sums, read);
    keepRead(op, read);
    d.foldVectors(sums, combiners, width);
    d.foldWarp(sums, combiners);
    for (auto [output, combiner, total] : llvm::zip(op.getDpsInitsMutable(), combiners, sums)) {
      Kept *known = find(output.get(), Along::Rows);
      Value before = known ? known->values.front()
                           : memref::LoadOp::create(b, output.get(), ValueRange{row}).getResult();
      storeNumber(op, output, combine(b, combiner, before, total));
    }
  }

  void number(linalg::GenericOp op) {
    SmallVector<SmallVector<Value>> read(op->getNumOperands());
    for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), compute(op, 0, {}, read)))
      storeNumber(op, output, value);
  }

  void storeNumber(linalg::GenericOp op, OpOperand &output, Value value) {
    if (mustStore(output, Along::Rows))
      d.when(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, d.warp.rank, d.index(0)),
             [&] { memref::StoreOp::create(b, value, output.get(), ValueRange{row}); });
    write(output.get(), {output.get(), Along::Rows, {value}});
  }

  Distributor &d;
  ImplicitLocOpBuilder &b;
  ArrayRef<linalg::GenericOp> group;
  Value row;
  int64_t vectors, width;
  size_t position = 0; ///< of the op in the group
  SmallVector<Kept> kept;
};

} // namespace mlir::mlora

void Distributor::rowsTogether(ArrayRef<linalg::GenericOp> group) {
  b.setInsertionPoint(group.back());
  b.setLoc(withoutNames(group.front()->getLoc()));
  SmallVector<PendingAccesses::Access> accesses;
  for (linalg::GenericOp op : group)
    for (OpOperand &operand : op->getOpOperands())
      if (isMemory(operand))
        accesses.push_back({operand.get(), op.isDpsInit(&operand)});
  access(accesses, block);
  linalg::GenericOp wide = *llvm::find_if(group, [](linalg::GenericOp op) { return op.getNumLoops() == 2; });
  SmallVector<Value> sizes = loopSizes(b, wide);
  int64_t width = widthOf(wide, sizes.back());
  widest = std::max(widest, width);
  loop("row", warpNumber, sizes.front(), warps, [&](Value row) {
    RowLane(*this, group, row, *getConstantIntValue(sizes.back()) / (kWarp * width), width).run();
  });
  for (linalg::GenericOp op : group)
    op.erase();
}
