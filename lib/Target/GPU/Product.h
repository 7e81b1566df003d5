//===- Product.h - a product of blocks through stages of shared memory ----------------===//

#pragma once

#include "ProductSchedules.h"
#include "TileCopy.h"

namespace mlir::mlora {

/// C = alpha · op(A) op(B) + beta · C, seen by one thread: what tensor cores and FFMA have in common.
/// Operands pass through tiles in shared memory, in which they lie as in memory. Every element of C is summed
/// along K in order by one warp or thread.
class Product {
public:
  Product(ThreadBuilder &b, GemmOp op, const ProductSchedule &schedule, Value shared, Value thread,
          int64_t threads);

  /// All tiles of C. `compute` adds the products of a step's tiles to sums that start as `start`; `store`
  /// takes the sums of a tile of C whose corner is (row, column).
  void build(ValueRange start, function_ref<Values(Value tileA, Value tileB, ValueRange sums)> compute,
             function_ref<void(Value row, Value column, ValueRange sums)> store);

  /// Sums of neighbouring elements of a row of C, those that are in C. They may be stored at once where
  /// `columnDivisor` divides `column`.
  void storeSums(Value row, Value column, int64_t columnDivisor, ArrayRef<Value> sums);

  ThreadBuilder &b;
  GemmOp op;
  const ProductSchedule &schedule;
  Value thread;
  int64_t threads;
  TileCopy copyA, copyB;

private:
  Values pipeline(Value row, Value column, ValueRange start,
                  function_ref<Values(Value, Value, ValueRange)> compute);
  void storePiece(Value address, ArrayRef<Value> sums);

  Value shared;
  Value rows, columns, depth; ///< M, N, K
  Value target;               ///< address of C
};

/// In front of `op`, for a block of `threads` threads; `shared` is where the tiles are. The op stays.
void buildMmaProduct(ThreadBuilder &b, GemmOp op, const ProductSchedule &schedule, Value shared, Value thread,
                     int64_t threads);
void buildFfmaProduct(ThreadBuilder &b, GemmOp op, const ProductSchedule &schedule, Value shared,
                      Value thread, int64_t threads);

} // namespace mlir::mlora
