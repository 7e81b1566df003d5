// A fault on the GPU: it ends the run by an error that names the kernel, whichever call reports it.

#include "GpuRunner.h"

#include "../Expect.h"
#include "mlora/Runtime/Cuda/Emulated.h"

#include <cstring>

namespace cuda = mlora::cuda;

namespace optable {
namespace {

/// %y = f(%x) by two launches of a kernel that does nothing, on what is the emulator but for what a test replaces.
struct GpuRunnerTest : testing::Test {
  cuda::Table table = cuda::emulated();
  cuda::EmulatedImage image;
  GpuCases cases;
  Case oneCase{.group = "g", .name = "f", .arguments = {}, .results = {{"y", {4}}}, .ir = "", .runs = {{}}};
  static inline int launches = 0;

  GpuRunnerTest() {
    launches = 0;
    image.kernels["f$0"] = {"f.0", nullptr, 4, 32};
    cases.kernels["f.0"] = {"f$0", 32};
    cases.functions["f"] = {
        {{{4}, Element::F32}, {{4}, Element::F32}}, {{"f.0", {}, {0, 1}, 1}, {"f.0", {}, {0, 1}, 1}}, {1}};
    oneCase.arguments.push_back({"x", {4}, {{}, Element::F32}});
    table.driver.launchKernel = [](cuda::Function *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                                   cuda::Stream *, void **, void **) {
      ++launches;
      return cuda::Result::Success;
    };
  }
  Outcome run(bool times = false) {
    GpuRunner runner(table, cases, &image);
    runner.times = times;
    return runner.run(oneCase, oneCase.runs[0], {{1, 2, 3, 4}}, {{0, 0, 0, 0}});
  }
};

TEST_F(GpuRunnerTest, LaunchesInOrderAndAgainForTimes) {
  EXPECT_EQ(run().damage.size(), 0u);
  EXPECT_EQ(launches, 2);
  run(/*times=*/true);
  EXPECT_EQ(launches, 4 + 2 * 20);
}

TEST_F(GpuRunnerTest, CodeThatTheDriverDoesNotTakeIsRefusedWithItsWords) {
  table.driver.moduleLoadDataEx = [](cuda::Module **, const void *, unsigned, cuda::JitOption *, void **values) {
    std::strcpy(static_cast<char *>(values[0]), "line 3: unknown instruction");
    return cuda::Result::InvalidPtx;
  };
  EXPECT_REFUSED(run(), "the driver does not take it: line 3: unknown instruction");
}

TEST_F(GpuRunnerTest, AFaultNamesTheKernel) {
  table.driver.streamSynchronize = [](cuda::Stream *) {
    return launches == 2 ? cuda::Result::IllegalAddress : cuda::Result::Success;
  };
  EXPECT_REFUSED(run(), "cuStreamSynchronize behind f.0 ", "CUDA_ERROR_ILLEGAL_ADDRESS");
  table.driver.streamSynchronize = [](cuda::Stream *) {
    return launches > 4 ? cuda::Result::IllegalAddress : cuda::Result::Success;
  };
  EXPECT_REFUSED(run(/*times=*/true), "cuStreamSynchronize behind f.0, 20 times,");
}

} // namespace
} // namespace optable
