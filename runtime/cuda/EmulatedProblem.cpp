// What a product's descriptors say together: the checks of cublasLtMatmul (cuBLAS documentation,
// cublasLtMatmul and its table of supported types), each with the descriptor and the field at fault.
#include "EmulatedBlasLt.h"

#include "mlora/Runtime/Model/FloatFormats.h"

namespace mlora::cuda {
namespace {

std::string typeName(DataType type) {
  switch (type) {
  case DataType::F32:
    return "CUDA_R_32F";
  case DataType::F64:
    return "CUDA_R_64F";
  case DataType::F16:
    return "CUDA_R_16F";
  case DataType::BF16:
    return "CUDA_R_16BF";
  }
  return "data type " + std::to_string(int(type));
}

template <typename Object>
const Object &alive(const std::set<const void *> &objects, const Object *object, const std::string &name) {
  if (!objects.contains(object))
    refuseBlas(BlasStatus::InvalidValue, name + " is null, destroyed, or no such descriptor");
  return *object;
}

Operand operandOf(const char *name, const MatrixLayout *handle, Transposition transposition) {
  std::string where = std::string(name) + "desc";
  MatrixLayout layout = alive(BlasObjects::get().layouts, handle, where);
  if (layout.type != DataType::F32 && layout.type != DataType::BF16)
    refuseBlas(BlasStatus::NotSupported, where + ": TYPE is " + typeName(layout.type) +
                                             "; expected CUDA_R_32F or CUDA_R_16BF with CUBLAS_COMPUTE_32F");
  if (layout.order != Order::Columns && layout.order != Order::Rows)
    refuseBlas(BlasStatus::NotSupported, where + ": ORDER is " + std::to_string(int(layout.order)) +
                                             "; expected CUBLASLT_ORDER_COL or CUBLASLT_ORDER_ROW");
  if (layout.rows == 0 || layout.columns == 0 || layout.rows > INT32_MAX || layout.columns > INT32_MAX)
    refuseBlas(BlasStatus::InvalidValue, where + ": ROWS x COLS is " + std::to_string(layout.rows) + " x " +
                                             std::to_string(layout.columns) +
                                             "; expected 1 to 2147483647 each");
  bool isColumns = layout.order == Order::Columns;
  uint64_t least = isColumns ? layout.rows : layout.columns;
  if (layout.leadingDimension < int64_t(least))
    refuseBlas(BlasStatus::InvalidValue, where + ": LD is " + std::to_string(layout.leadingDimension) +
                                             ", less than the " + std::to_string(least) +
                                             (isColumns ? " rows of a column" : " columns of a row"));
  if (layout.batchCount != 1)
    refuseBlas(BlasStatus::NotSupported,
               where + ": BATCH_COUNT is " + std::to_string(layout.batchCount) + "; the emulator has only 1");
  bool isTransposed = transposition != Transposition::None;
  return {name, layout, transposition, isTransposed ? layout.columns : layout.rows,
          isTransposed ? layout.rows : layout.columns};
}

const MatmulDesc &checked(const MatmulDesc *handle) {
  const MatmulDesc &desc = alive(BlasObjects::get().descs, handle, "computeDesc");
  if (desc.compute != ComputeType::Compute32F && desc.compute != ComputeType::Compute32FPedantic)
    refuseBlas(BlasStatus::NotSupported,
               "computeDesc: COMPUTE_TYPE is " + std::to_string(int(desc.compute)) +
                   "; expected CUBLAS_COMPUTE_32F (68): others round operands or sums");
  if (desc.scale != DataType::F32)
    refuseBlas(BlasStatus::NotSupported, "computeDesc: SCALE_TYPE is " + typeName(desc.scale) +
                                             "; CUBLAS_COMPUTE_32F takes CUDA_R_32F");
  if (desc.pointerMode != 0)
    refuseBlas(BlasStatus::NotSupported, "computeDesc: POINTER_MODE is " + std::to_string(desc.pointerMode) +
                                             "; the emulator has only CUBLASLT_POINTER_MODE_HOST");
  if (desc.transC != Transposition::None)
    refuseBlas(BlasStatus::NotSupported, "computeDesc: TRANSC must be CUBLAS_OP_N");
  return desc;
}

void checkTypes(const Operand &a, const Operand &b, const Operand &c, const Operand &d) {
  auto differ = [](const Operand &x, const Operand &y) {
    refuseBlas(BlasStatus::NotSupported, std::string(y.name) + "desc: TYPE is " + typeName(y.layout.type) +
                                             ", that of " + x.name + "desc " + typeName(x.layout.type));
  };
  if (a.layout.type != b.layout.type)
    differ(a, b);
  if (c.layout.type != d.layout.type)
    differ(c, d);
  if (d.layout.type != a.layout.type && d.layout.type != DataType::F32)
    differ(a, d);
}

void checkSizes(const Operand &a, const Operand &b, const Operand &c, const Operand &d) {
  auto agree = [](const Operand &x, const char *what, uint64_t have, const Operand &y, const char *other,
                  uint64_t want) {
    if (have != want)
      refuseBlas(BlasStatus::InvalidValue, std::string(x.name) + "desc: op(" + x.name + ") has " +
                                               std::to_string(have) + " " + what + ", op(" + y.name +
                                               ") has " + std::to_string(want) + " " + other);
  };
  agree(b, "rows", b.rows, a, "columns", a.columns);
  agree(d, "rows", d.rows, a, "rows", a.rows);
  agree(d, "columns", d.columns, b, "columns", b.columns);
  agree(c, "rows", c.rows, d, "rows", d.rows);
  agree(c, "columns", c.columns, d, "columns", d.columns);
  if (c.layout.order != d.layout.order)
    refuseBlas(BlasStatus::InvalidValue, "Cdesc: ORDER differs from that of Ddesc");
}

float load(const void *memory, const Operand &operand, int64_t offset) {
  if (operand.layout.type == DataType::F32)
    return static_cast<const float *>(memory)[offset];
  return bfloatToFloat(static_cast<const uint16_t *>(memory)[offset]);
}

float roundToBfloat(float value) { return bfloatToFloat(floatToBfloat(value)); }

/// op(X) as dense rows of f32.
std::vector<float> gather(const Operand &operand, const void *memory) {
  std::vector<float> values(operand.rows * operand.columns);
  for (uint64_t i = 0; i < operand.rows; ++i)
    for (uint64_t j = 0; j < operand.columns; ++j)
      values[i * operand.columns + j] = load(memory, operand, operand.offset(i, j));
  return values;
}

} // namespace

size_t Operand::bytes() const { return size_t(offset(rows - 1, columns - 1) + 1) * elementBytes(); }

Problem::Problem(const MatmulDesc *desc, const MatrixLayout *aLayout, const MatrixLayout *bLayout,
                 const MatrixLayout *cLayout, const MatrixLayout *dLayout)
    : a(operandOf("A", aLayout, checked(desc).transA)), b(operandOf("B", bLayout, desc->transB)),
      c(operandOf("C", cLayout, Transposition::None)), d(operandOf("D", dLayout, Transposition::None)) {
  checkTypes(a, b, c, d);
  checkSizes(a, b, c, d);
  m = a.rows;
  n = b.columns;
  k = a.columns;
}

void multiply(const Problem &problem, ReductionScheme scheme, float alpha, const void *a, const void *b,
              float beta, const void *c, void *d) {
  bool roundsParts = scheme == ReductionScheme::OutputType && problem.d.layout.type == DataType::BF16;
  std::vector<float> left = gather(problem.a, a), right = gather(problem.b, b);
  std::vector<float> sums(problem.n), firstHalf(problem.n);
  for (uint64_t i = 0; i < problem.m; ++i) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    std::fill(firstHalf.begin(), firstHalf.end(), 0.0f);
    for (uint64_t l = 0; l < problem.k; ++l) { // rows of B: each sum still goes in the order of k
      if (roundsParts && l == problem.k / 2)
        std::swap(sums, firstHalf);
      for (uint64_t j = 0; j < problem.n; ++j)
        sums[j] += left[i * problem.k + l] * right[l * problem.n + j];
    }
    for (uint64_t j = 0; j < problem.n; ++j) {
      if (roundsParts)
        sums[j] = roundToBfloat(firstHalf[j]) + roundToBfloat(sums[j]);
      float value = alpha * sums[j];
      if (beta != 0)
        value += beta * load(c, problem.c, problem.c.offset(i, j));
      int64_t place = problem.d.offset(i, j);
      if (problem.d.layout.type == DataType::F32)
        static_cast<float *>(d)[place] = value;
      else
        static_cast<uint16_t *>(d)[place] = floatToBfloat(value);
    }
  }
}

} // namespace mlora::cuda
