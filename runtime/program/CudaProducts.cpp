#include "CudaProducts.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <limits>

namespace mlora {
namespace {

/// So many of the heuristic's candidates are timed.
constexpr int mostCandidates = 4;
/// The widest that any algorithm asks for: 16 bytes a load.
constexpr uint32_t widestAlignment = 16;

template <typename Object, auto Destroy> class BlasHandle {
public:
  BlasHandle() = default;
  BlasHandle(const cuda::Table &table, Object *object) : table(&table), object(object) {}
  BlasHandle(BlasHandle &&other) noexcept
      : table(other.table), object(std::exchange(other.object, nullptr)) {}
  BlasHandle &operator=(BlasHandle &&other) noexcept {
    std::swap(table, other.table);
    std::swap(object, other.object);
    return *this;
  }
  ~BlasHandle() {
    if (object)
      (table->blas.*Destroy)(object);
  }
  Object *get() const { return object; }

private:
  const cuda::Table *table = nullptr;
  Object *object = nullptr;
};

using DescHandle = BlasHandle<cuda::MatmulDesc, &cuda::BlasLtTable::matmulDescDestroy>;
using LayoutHandle = BlasHandle<cuda::MatrixLayout, &cuda::BlasLtTable::matrixLayoutDestroy>;
using PreferenceHandle = BlasHandle<cuda::Preference, &cuda::BlasLtTable::preferenceDestroy>;

LayoutHandle makeLayout(const cuda::Table &table, cuda::DataType type, int64_t rows, int64_t columns,
                        int64_t ld) {
  cuda::MatrixLayout *layout = nullptr;
  check(table, table.blas.matrixLayoutCreate(&layout, type, uint64_t(rows), uint64_t(columns), ld),
        "cublasLtMatrixLayoutCreate");
  return {table, layout};
}

cuda::DataType dataTypeOf(ElementType type) {
  return type == ElementType::BF16 ? cuda::DataType::BF16 : cuda::DataType::F32;
}

/// The lowest set bit of all addresses, which bounds their alignment.
uint32_t alignmentOf(std::initializer_list<const void *> addresses) {
  uint64_t bits = widestAlignment;
  for (const void *address : addresses)
    bits |= reinterpret_cast<uint64_t>(address);
  return uint32_t(bits & -bits);
}

/// As the key under which a choice is kept.
std::string nameOf(const auto &shape) {
  return std::apply(
      [](auto... parts) {
        std::string text;
        ((text += (text.empty() ? "" : ",") + std::to_string(int64_t(parts))), ...);
        return text;
      },
      shape);
}

} // namespace

/// Descriptors for y as a matrix by columns, its transpose: yᵀ[n, m] = op(w)[n, k] · aᵀ[k, m]. What lies by
/// rows is its transpose by columns, so that no operand needs another order than the library's own.
struct CudaProducts::Plan {
  DescHandle desc;
  LayoutHandle w, a, y;
  PreferenceHandle preference;
  cuda::Algorithm algorithm;
  bool isTimed = false, isChosen = false;
};

CudaProducts::CudaProducts(const cuda::Table &table, cuda::Stream *stream, ProductChoices choices)
    : table(table), stream(stream), choices(std::move(choices)) {}

CudaProducts::~CudaProducts() {
  plans.clear();
  if (handle)
    table.blas.destroy(handle);
}

void CudaProducts::open(cuda::DevicePointer memory) {
  workspace = memory;
  check(table, table.blas.create(&handle), "cublasLtCreate");
}

std::unique_ptr<CudaProducts::Plan> CudaProducts::makePlan(const Shape &shape) const {
  auto [m, n, k, lda, ldw, ldy, type, resultType, isTransposed, alignment] = shape;
  cuda::DataType data = dataTypeOf(ElementType(type)), result = dataTypeOf(ElementType(resultType));
  auto made = std::make_unique<Plan>();
  Plan &plan = *made;
  cuda::MatmulDesc *desc = nullptr;
  // Operands in their own type, products and sums in f32: no TF32.
  check(table, table.blas.matmulDescCreate(&desc, cuda::ComputeType::Compute32F, cuda::DataType::F32),
        "cublasLtMatmulDescCreate");
  plan.desc = {table, desc};
  auto transposition = isTransposed ? cuda::Transposition::None : cuda::Transposition::Transposed;
  check(table,
        table.blas.matmulDescSetAttribute(desc, cuda::MatmulAttribute::TransA, &transposition,
                                          sizeof transposition),
        "cublasLtMatmulDescSetAttribute");
  plan.w = isTransposed ? makeLayout(table, data, n, k, ldw) : makeLayout(table, data, k, n, ldw);
  plan.a = makeLayout(table, data, k, m, lda);
  plan.y = makeLayout(table, result, n, m, ldy);
  cuda::Preference *preference = nullptr;
  check(table, table.blas.preferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
  plan.preference = {table, preference};
  auto prefer = [&](cuda::PreferenceAttribute attribute, auto value) {
    check(table, table.blas.preferenceSetAttribute(preference, attribute, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  prefer(cuda::PreferenceAttribute::MaxWorkspaceBytes, uint64_t(workspaceBytes));
  // Where K is split, parts are added in f32, too: otherwise they would be rounded to bf16.
  prefer(cuda::PreferenceAttribute::ReductionSchemes, cuda::ReductionScheme::ComputeType);
  for (auto operand : {cuda::PreferenceAttribute::MinAlignmentA, cuda::PreferenceAttribute::MinAlignmentB,
                       cuda::PreferenceAttribute::MinAlignmentC, cuda::PreferenceAttribute::MinAlignmentD})
    prefer(operand, alignment);
  return made;
}

void CudaProducts::multiply(const Plan &plan, const cuda::Algorithm &algorithm, const std::string &name,
                            const void *a, const void *w, void *y) const {
  const float one = 1, zero = 0;
  check(table,
        table.blas.matmul(handle, plan.desc.get(), &one, w, plan.w.get(), a, plan.a.get(), &zero, y,
                          plan.y.get(), y, plan.y.get(), &algorithm, reinterpret_cast<void *>(workspace),
                          size_t(workspaceBytes), stream),
        ("cublasLtMatmul of " + name).c_str());
}

/// What an earlier run has found to be the fastest, where the library still offers it; otherwise the fastest of its
/// first candidates, or, where nothing may be timed, the first.
void CudaProducts::choose(Plan &plan, const std::string &shape, const std::string &name, const void *a,
                          const void *w, void *y) {
  cuda::Heuristic candidates[mostCandidates];
  int count = 0;
  check(table,
        table.blas.matmulAlgoGetHeuristic(handle, plan.desc.get(), plan.w.get(), plan.a.get(), plan.y.get(),
                                          plan.y.get(), plan.preference.get(), mostCandidates, candidates,
                                          &count),
        ("cublasLtMatmulAlgoGetHeuristic of " + name).c_str());
  count = int(std::remove_if(candidates, candidates + count,
                             [](const cuda::Heuristic &h) { return h.state != cuda::BlasStatus::Success; }) -
              candidates);
  if (count == 0)
    failed("cuBLASLt has no algorithm for the product " + name);
  std::span offered(candidates, size_t(count));
  plan.algorithm = candidates[0].algorithm;
  plan.isChosen = true;
  if (std::optional<cuda::Algorithm> known = choices.find(shape);
      known && std::ranges::any_of(offered, [&](const cuda::Heuristic &h) {
        return std::ranges::equal(h.algorithm.data, known->data);
      })) {
    plan.algorithm = *known;
    plan.isTimed = true;
    return;
  }
  if (!plan.isTimed)
    return;
  if (!table.isEmulated()) // whose times say nothing about a GPU's
    plan.algorithm = fastest(plan, offered, name, a, w, y);
  choices.keep(shape, plan.algorithm);
}

/// Each gives y its right value: nothing has to be put back.
cuda::Algorithm CudaProducts::fastest(const Plan &plan, std::span<const cuda::Heuristic> candidates,
                                      const std::string &name, const void *a, const void *w, void *y) const {
  CudaEvent start = makeEvent(table, 0), end = makeEvent(table, 0);
  float best = std::numeric_limits<float>::infinity();
  cuda::Algorithm chosen = candidates[0].algorithm;
  for (const cuda::Heuristic &candidate : candidates) {
    constexpr int repeats = 3;
    multiply(plan, candidate.algorithm, name, a, w, y); // loads its code
    check(table, table.driver.eventRecord(start.get(), stream), "cuEventRecord");
    for (int repeat = 0; repeat < repeats; ++repeat)
      multiply(plan, candidate.algorithm, name, a, w, y);
    check(table, table.driver.eventRecord(end.get(), stream), "cuEventRecord");
    check(table, table.driver.eventSynchronize(end.get()), "cuEventSynchronize");
    float milliseconds = 0;
    check(table, table.driver.eventElapsedTime(&milliseconds, start.get(), end.get()), "cuEventElapsedTime");
    if (milliseconds < best) {
      best = milliseconds;
      chosen = candidate.algorithm;
    }
  }
  return chosen;
}

void CudaProducts::run(const LibraryProduct &product, const std::string &name, int64_t rows, const void *a,
                       const void *w, void *y, Choice choice) {
  if (rows == 0)
    return;
  Shape shape{rows,
              product.n,
              product.k,
              product.lda,
              product.ldw,
              product.ldy,
              int(product.type),
              int(product.resultType),
              product.isTransposed,
              alignmentOf({a, w, y})};
  auto found = plans.find(shape);
  if (found == plans.end())
    found = plans.emplace(shape, makePlan(shape)).first;
  Plan &plan = *found->second;
  if (!plan.isChosen || (choice == Choice::Timed && !plan.isTimed)) {
    plan.isTimed = choice == Choice::Timed;
    choose(plan, nameOf(shape), name, a, w, y);
  }
  multiply(plan, plan.algorithm, name, a, w, y);
}

} // namespace mlora
