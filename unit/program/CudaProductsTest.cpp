// Products as programs ask for them, over the emulator's cuBLASLt.
#include "../../runtime/program/CudaProducts.h"

#include "../../runtime/program/CudaContext.h"
#include "../Expect.h"
#include "mlora/Runtime/Model/FloatFormats.h"

#include <cstring>

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
  products.run(product, "y", 4, at(0), at(1), at(2));
  uint16_t y[4] = {};
  check(table, table.driver.memcpyDtoHAsync(y, place(2), sizeof y, stream.get()), "y");
  wait();
  EXPECT_EQ(bfloatToFloat(y[3]), 258);
}

struct Choosing : CudaProductsTest {
  ProductChoices choices;
  LibraryProduct product;
  /// By the candidate, 0: the one with a workspace; 1: the other.
  static inline std::string calls;
  static inline std::vector<std::vector<float>> milliseconds; ///< of each round
  static inline size_t asked;
  static inline bool fails[2];

  static size_t candidate(const cuda::Algorithm &algorithm) { return algorithm.data[1] ? 0 : 1; }

  /// What is no emulator to the products, so that they time; its times are made up.
  void SetUp() override {
    product.n = product.k = product.lda = product.ldw = product.ldy = 8;
    calls.clear();
    asked = 0;
    fails[0] = fails[1] = false;
    milliseconds.assign(5, {1, 1});
    table.emulator = {};
    table.blas.matmul = [](cuda::BlasLt *handle, cuda::MatmulDesc *desc, const void *alpha, const void *a,
                           cuda::MatrixLayout *aLayout, const void *b, cuda::MatrixLayout *bLayout,
                           const void *beta, const void *c, cuda::MatrixLayout *cLayout, void *d,
                           cuda::MatrixLayout *dLayout, const cuda::Algorithm *algorithm, void *memory,
                           size_t bytes, cuda::Stream *on) {
      calls += char('0' + candidate(*algorithm));
      if (fails[candidate(*algorithm)])
        return cuda::BlasStatus::NotSupported;
      return cuda::emulated().blas.matmul(handle, desc, alpha, a, aLayout, b, bLayout, beta, c, cLayout, d,
                                          dLayout, algorithm, memory, bytes, on);
    };
    table.driver.eventElapsedTime = [](float *time, cuda::Event *, cuda::Event *) {
      *time = milliseconds.at(asked / 2).at(asked % 2);
      ++asked;
      return cuda::Result::Success;
    };
  }
  /// The candidate that `rows` rows are multiplied by, asked for anew.
  size_t chosen(int64_t rows = 8) {
    CudaProducts products(table, stream.get(), &choices);
    products.open(workspace.get());
    products.run(product, "y", rows, at(0), at(1), at(2));
    wait();
    return size_t(calls.back() - '0');
  }
  size_t chosenAnew() {
    choices = {};
    asked = 0;
    calls.clear();
    return chosen();
  }
};

TEST_F(Choosing, CandidatesTakeTurns) {
  EXPECT_EQ(chosen(), 0u);
  std::string round = "0"
                      "000111";
  EXPECT_EQ(calls, "01" + round + round + round + round + round + "0");
}

TEST_F(Choosing, TheLeastTimeCountsAndALaterOneHasToBeClearlyFaster) {
  milliseconds.assign(5, {1, 0.99f});
  EXPECT_EQ(chosenAnew(), 0u);
  milliseconds[3] = {2, 0.97f};
  EXPECT_EQ(chosenAnew(), 1u);
  milliseconds[1] = {0.96f, 3};
  EXPECT_EQ(chosenAnew(), 0u);
}

TEST_F(Choosing, ACandidateThatDoesNotRunIsNone) {
  fails[0] = true;
  EXPECT_EQ(chosenAnew(), 1u);
  EXPECT_EQ(asked, 0u) << "nothing to compare";
  fails[1] = true;
  EXPECT_REFUSED(chosenAnew(), "cublasLtMatmul of y gives CUBLAS_STATUS_NOT_SUPPORTED");
}

TEST_F(Choosing, OneChoiceServesARangeOfRows) {
  EXPECT_EQ(chosen(8), 0u);
  EXPECT_EQ(asked, 10u);
  EXPECT_EQ(chosen(128), 0u);
  EXPECT_EQ(asked, 10u);
  EXPECT_EQ(chosen(7), 1u) << "the library does not take the range's choice for 7 rows";
  EXPECT_EQ(asked, 10u);
  EXPECT_EQ(chosen(12), 0u) << "which stays";
  milliseconds.assign(10, {1, 1});
  EXPECT_EQ(chosen(132), 0u);
  EXPECT_EQ(asked, 20u) << "the next range";
}

TEST_F(Choosing, WhatAnEarlierRunHasFoundIsTaken) {
  milliseconds.assign(5, {1, 0.5f});
  EXPECT_EQ(chosen(), 1u);
  calls.clear();
  EXPECT_EQ(chosen(), 1u);
  EXPECT_EQ(calls, "1");
}

} // namespace
