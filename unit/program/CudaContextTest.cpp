// What is asked of a GPU with a context, and without one.
#include "../../runtime/program/CudaContext.h"

#include <gtest/gtest.h>

using namespace mlora;

namespace {

struct CudaContextTest : testing::Test {
  static inline int retained;
  cuda::Table table = cuda::emulated();

  void SetUp() override {
    retained = 0;
    table.driver.primaryCtxRetain = [](cuda::Context **context, cuda::DeviceId device) {
      ++retained;
      return cuda::emulated().driver.primaryCtxRetain(context, device);
    };
    table.driver.primaryCtxRelease = [](cuda::DeviceId device) {
      --retained;
      return cuda::emulated().driver.primaryCtxRelease(device);
    };
  }
};

TEST_F(CudaContextTest, AttributesNeedNone) {
  CudaGpu gpu(table);
  EXPECT_EQ(gpu.name(), "the emulated GPU");
  EXPECT_EQ(gpu.attribute(cuda::DeviceAttribute::ComputeCapabilityMajor), 9);
  EXPECT_EQ(retained, 0);
}

TEST_F(CudaContextTest, IsReleasedByItsLastUser) {
  { CudaContext one(table), other(table); }
  EXPECT_EQ(retained, 0);
}

TEST_F(CudaContextTest, OutlivesItsUsersWhereItIsKept) {
  table.keepsContext = true;
  for (int user = 1; user < 3; ++user) {
    CudaContext context(table);
    EXPECT_EQ(retained, user);
    EXPECT_GT(context.memory().first, 0);
  }
  while (retained > 0)
    table.driver.primaryCtxRelease(0);
}

} // namespace
