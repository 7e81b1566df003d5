// Products as programs ask for them, over the emulator's cuBLASLt.
#include "../../runtime/program/CudaProducts.h"

#include "../../runtime/program/CudaContext.h"
#include "../Expect.h"
#include "mlora/Runtime/Model/FloatFormats.h"

using namespace mlora;

namespace {

struct CudaProductsTest : testing::Test {
  cuda::Table table = cuda::emulated();
  CudaContext context{table};
  CudaStream stream = makeStream(table);
  CudaMemory operands = makeMemory(table, 3 << 14, "matrices"),
             workspace = makeMemory(table, CudaProducts::workspaceBytes, "the workspace");

  /// Of a, w and y.
  cuda::DevicePointer place(int operand) const {
    return operands.get() + cuda::DevicePointer(operand) * (1 << 14);
  }
  void *at(int operand) const { return reinterpret_cast<void *>(place(operand)); }
  void wait() { check(table, table.driver.streamSynchronize(stream.get()), "cuStreamSynchronize"); }
};

/// 256 + 1 is no number of bf16: the sum is right only where its parts are added in f32.
TEST_F(CudaProductsTest, AddPartsInF32) {
  LibraryProduct product;
  product.n = 1;
  product.k = product.lda = product.ldw = 4;
  product.ldy = 1;
  product.type = product.resultType = ElementType::BF16;
  std::vector<uint16_t> a, w(4, floatToBfloat(1));
  for (int row = 0; row < 4; ++row)
    for (float value : {256, 1, 1, 0})
      a.push_back(floatToBfloat(value));
  check(table, table.driver.memcpyHtoDAsync(place(0), a.data(), 2 * a.size(), stream.get()), "a");
  check(table, table.driver.memcpyHtoDAsync(place(1), w.data(), 2 * w.size(), stream.get()), "w");
  CudaProducts products(table, stream.get());
  products.open(workspace.get());
  products.run(product, "y", 4, at(0), at(1), at(2), CudaProducts::Choice::Timed);
  uint16_t y[4] = {};
  check(table, table.driver.memcpyDtoHAsync(y, place(2), sizeof y, stream.get()), "y");
  wait();
  EXPECT_EQ(bfloatToFloat(y[3]), 258);
}

} // namespace
