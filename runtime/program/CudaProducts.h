// A library's products on a GPU: cuBLASLt with the algorithm of each shape chosen once.
#pragma once

#include "CudaHandles.h"
#include "ProductChoices.h"
#include "mlora/Runtime/Program/Manifest.h"

#include <map>
#include <memory>
#include <span>
#include <tuple>

namespace mlora {

class CudaProducts {
public:
  /// Products run on `stream`, one after another, in one workspace.
  CudaProducts(const cuda::Table &table, cuda::Stream *stream, ProductChoices choices = {});
  ~CudaProducts();
  CudaProducts(const CudaProducts &) = delete;
  CudaProducts &operator=(const CudaProducts &) = delete;

  /// What cuBLAS takes by default on Hopper (cuBLAS documentation, cublasSetWorkspace).
  static constexpr int64_t workspaceBytes = int64_t(32) << 20;
  void open(cuda::DevicePointer workspace);

  /// Whether candidates may be run to time them: not while the stream is captured.
  enum class Choice { Timed, First };
  /// y of `rows` rows; launched, not waited for.
  void run(const LibraryProduct &product, const std::string &name, int64_t rows, const void *a, const void *w,
           void *y, Choice choice);

  /// Shapes that an algorithm was chosen for.
  size_t shapes() const { return plans.size(); }

private:
  /// Rows, n, k, leading dimensions, types of operands and result, transposed, alignment of all addresses.
  using Shape = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int, int, bool, uint32_t>;
  struct Plan;
  std::unique_ptr<Plan> makePlan(const Shape &shape) const;
  void choose(Plan &plan, const std::string &shape, const std::string &name, const void *a, const void *w, void *y);
  cuda::Algorithm fastest(const Plan &plan, std::span<const cuda::Heuristic> candidates, const std::string &name,
                          const void *a, const void *w, void *y) const;
  void multiply(const Plan &plan, const cuda::Algorithm &algorithm, const std::string &name, const void *a,
                const void *w, void *y) const;

  const cuda::Table &table;
  cuda::Stream *stream;
  ProductChoices choices;
  cuda::BlasLt *handle = nullptr;
  cuda::DevicePointer workspace = 0;
  std::map<Shape, std::unique_ptr<Plan>> plans;
};

} // namespace mlora
