// A library's products on a GPU: cuBLASLt, with an algorithm that is chosen once for a range of rows.
#pragma once

#include "CudaContext.h"
#include "CudaHandles.h"
#include "ProductChoices.h"
#include "mlora/Runtime/Program/Manifest.h"

#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace mlora {

class CudaProducts {
public:
  /// Products run on `stream`, one after another, in one workspace. Choices are `shared`'s, or its own.
  CudaProducts(const cuda::Table &table, cuda::Stream *stream, ProductChoices *shared = nullptr);
  ~CudaProducts();
  CudaProducts(const CudaProducts &) = delete;
  CudaProducts &operator=(const CudaProducts &) = delete;

  /// Those in the cache's folder, which a process's devices share; null for the emulator, which has nothing
  /// to choose.
  static ProductChoices *keptChoices(const cuda::Table &table, const CudaGpu &gpu);

  /// What cuBLAS takes by default on Hopper (cuBLAS documentation, cublasSetWorkspace).
  static constexpr int64_t workspaceBytes = int64_t(32) << 20;
  void open(cuda::DevicePointer workspace);

  /// y of `rows` rows; launched, not waited for, unless it comes for the first time: then candidates are
  /// timed.
  void run(const LibraryProduct &product, const std::string &name, int64_t rows, const void *a, const void *w,
           void *y);
  /// Whether run() only launches.
  bool isPlanned(const LibraryProduct &product, int64_t rows, const void *a, const void *w,
                 const void *y) const;
  /// Writes what was chosen since for the runs to come.
  void saveChoices() { choices.save(); }

  /// Shapes that an algorithm was chosen for.
  size_t shapes() const { return plans.size(); }

private:
  /// Rows, n, k, leading dimensions, types of operands and result, transposed, alignment of all addresses.
  using Shape = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int, int, bool, uint32_t>;
  struct Plan;
  static Shape shapeOf(const LibraryProduct &product, int64_t rows, const void *a, const void *w,
                       const void *y);
  std::unique_ptr<Plan> makePlan(const Shape &shape) const;
  std::vector<cuda::Algorithm> candidates(const Plan &plan, uint32_t alignment,
                                          const std::string &name) const;
  bool accepts(const Plan &plan, const cuda::Algorithm &algorithm) const;
  cuda::Algorithm choose(const Plan &plan, const Shape &shape, const std::string &name, const void *a,
                         const void *w, void *y);
  cuda::Algorithm fastest(const Plan &plan, std::vector<cuda::Algorithm> offered, const std::string &name,
                          const void *a, const void *w, void *y) const;
  cuda::BlasStatus multiply(const Plan &plan, const cuda::Algorithm &algorithm, const void *a, const void *w,
                            void *y) const;

  const cuda::Table &table;
  cuda::Stream *stream;
  ProductChoices own, &choices;
  cuda::BlasLt *handle = nullptr;
  cuda::DevicePointer workspace = 0;
  std::map<Shape, std::unique_ptr<Plan>> plans;
};

} // namespace mlora
