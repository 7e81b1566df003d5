#include "CudaProducts.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Program/BundleCache.h"

#include <algorithm>
#include <limits>
#include <span>

namespace mlora {
namespace {

/// So many of the heuristic's candidates are timed.
constexpr int mostCandidates = 4;
/// A choice serves so many numbers of rows: packed micro-batches differ in theirs, and each number alone
/// would be timed anew.
constexpr int64_t bucketRows = 128;
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
  cuda::Algorithm algorithm;
};

CudaProducts::CudaProducts(const cuda::Table &table, cuda::Stream *stream, ProductChoices *shared)
    : table(table), stream(stream), choices(shared ? *shared : own) {}

CudaProducts::~CudaProducts() {
  choices.save();
  plans.clear();
  if (handle)
    table.blas.destroy(handle);
}

ProductChoices *CudaProducts::keptChoices(const cuda::Table &table, const CudaGpu &gpu) {
  if (table.isEmulated() || !table.blas.version)
    return nullptr;
  size_t version = table.blas.version();
  return &ProductChoices::shared(ProductChoices::fileFor(BundleCache::defaultFolder(), gpu.name(), version),
                                 gpu.name(), version);
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
  return made;
}

cuda::BlasStatus CudaProducts::multiply(const Plan &plan, const cuda::Algorithm &algorithm, const void *a,
                                        const void *w, void *y) const {
  const float one = 1, zero = 0;
  return table.blas.matmul(handle, plan.desc.get(), &one, w, plan.w.get(), a, plan.a.get(), &zero, y,
                           plan.y.get(), y, plan.y.get(), &algorithm, reinterpret_cast<void *>(workspace),
                           size_t(workspaceBytes), stream);
}

/// The heuristic's first ones, at least one.
std::vector<cuda::Algorithm> CudaProducts::candidates(const Plan &plan, uint32_t alignment,
                                                      const std::string &name) const {
  cuda::Preference *preference = nullptr;
  check(table, table.blas.preferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
  PreferenceHandle owned{table, preference};
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
  cuda::Heuristic offered[mostCandidates];
  int count = 0;
  check(table,
        table.blas.matmulAlgoGetHeuristic(handle, plan.desc.get(), plan.w.get(), plan.a.get(), plan.y.get(),
                                          plan.y.get(), preference, mostCandidates, offered, &count),
        ("cublasLtMatmulAlgoGetHeuristic of " + name).c_str());
  std::vector<cuda::Algorithm> found;
  for (const cuda::Heuristic &heuristic : std::span(offered, size_t(count)))
    if (heuristic.state == cuda::BlasStatus::Success)
      found.push_back(heuristic.algorithm);
  if (found.empty())
    failed("cuBLASLt has no algorithm for the product " + name);
  return found;
}

/// Whether the library runs it for this very shape.
bool CudaProducts::accepts(const Plan &plan, const cuda::Algorithm &algorithm) const {
  cuda::Heuristic verdict;
  return table.blas.matmulAlgoCheck(handle, plan.desc.get(), plan.w.get(), plan.a.get(), plan.y.get(),
                                    plan.y.get(), &algorithm, &verdict) == cuda::BlasStatus::Success &&
         verdict.workspaceBytes <= size_t(workspaceBytes);
}

/// What was found to be the fastest for these rows, rounded up. That one need not run for each of them: where
/// it does not, the heuristic's first, and nothing is timed again, so that a run that is resumed makes the
/// same sums.
cuda::Algorithm CudaProducts::choose(const Plan &plan, const Shape &shape, const std::string &name,
                                     const void *a, const void *w, void *y) {
  Shape bucket = shape;
  int64_t &rows = std::get<0>(bucket);
  rows = (rows + bucketRows - 1) / bucketRows * bucketRows;
  std::optional<cuda::Algorithm> known = choices.find(nameOf(bucket));
  if (known && accepts(plan, *known))
    return *known;
  std::vector<cuda::Algorithm> offered = candidates(plan, std::get<uint32_t>(shape), name);
  if (known)
    return offered[0];
  // The emulator's times say nothing about a GPU's.
  cuda::Algorithm chosen = table.isEmulated() ? offered[0] : fastest(plan, std::move(offered), name, a, w, y);
  choices.keep(nameOf(bucket), chosen);
  return chosen;
}

/// Each gives y its right value: nothing has to be put back.
cuda::Algorithm CudaProducts::fastest(const Plan &plan, std::vector<cuda::Algorithm> offered,
                                      const std::string &name, const void *a, const void *w, void *y) const {
  std::string call = "cublasLtMatmul of " + name;
  auto failure = cuda::BlasStatus::Success;
  std::erase_if(offered, [&](const cuda::Algorithm &algorithm) { // also loads its code
    cuda::BlasStatus status = multiply(plan, algorithm, a, w, y);
    if (status != cuda::BlasStatus::Success)
      failure = status;
    return status != cuda::BlasStatus::Success;
  });
  if (offered.empty())
    check(table, failure, call.c_str());
  if (offered.size() == 1)
    return offered[0];
  // All of them in each round, so that clocks that change meet all alike.
  constexpr int rounds = 5, repeats = 3;
  std::vector<float> least(offered.size(), std::numeric_limits<float>::infinity());
  std::vector<CudaEvent> events(offered.size() + 1);
  for (CudaEvent &event : events)
    event = makeEvent(table, 0);
  for (int round = 0; round < rounds; ++round) {
    check(table, multiply(plan, offered[0], a, w, y),
          call.c_str()); // the first one's time has no idle GPU in it
    for (size_t i = 0; i <= offered.size(); ++i) {
      check(table, table.driver.eventRecord(events[i].get(), stream), "cuEventRecord");
      for (int repeat = 0; repeat < repeats && i < offered.size(); ++repeat)
        check(table, multiply(plan, offered[i], a, w, y), call.c_str());
    }
    check(table, table.driver.eventSynchronize(events.back().get()), "cuEventSynchronize");
    for (size_t i = 0; i < offered.size(); ++i) {
      float milliseconds = 0;
      check(table, table.driver.eventElapsedTime(&milliseconds, events[i].get(), events[i + 1].get()),
            "cuEventElapsedTime");
      least[i] = std::min(least[i], milliseconds);
    }
  }
  // Times differ by a percent from run to run; the heuristic's order does not.
  constexpr float clearly = 0.98f;
  size_t best = 0;
  for (size_t i = 1; i < offered.size(); ++i)
    if (least[i] <= clearly * least[best])
      best = i;
  return offered[best];
}

CudaProducts::Shape CudaProducts::shapeOf(const LibraryProduct &product, int64_t rows, const void *a,
                                          const void *w, const void *y) {
  return {rows,
          product.n,
          product.k,
          product.lda,
          product.ldw,
          product.ldy,
          int(product.type),
          int(product.resultType),
          product.isTransposed,
          alignmentOf({a, w, y})};
}

bool CudaProducts::isPlanned(const LibraryProduct &product, int64_t rows, const void *a, const void *w,
                             const void *y) const {
  return rows == 0 || plans.contains(shapeOf(product, rows, a, w, y));
}

void CudaProducts::run(const LibraryProduct &product, const std::string &name, int64_t rows, const void *a,
                       const void *w, void *y) {
  if (rows == 0)
    return;
  Shape shape = shapeOf(product, rows, a, w, y);
  auto found = plans.find(shape);
  if (found == plans.end()) {
    std::unique_ptr<Plan> plan = makePlan(shape);
    plan->algorithm = choose(*plan, shape, name, a, w, y);
    found = plans.emplace(shape, std::move(plan)).first;
  }
  check(table, multiply(*found->second, found->second->algorithm, a, w, y),
        ("cublasLtMatmul of " + name).c_str());
}

} // namespace mlora
