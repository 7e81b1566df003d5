// The emulator's cuBLASLt: products in every order and transposition against a plain loop in f64, and every
// refusal by descriptor and field.
#include "Fixture.h"

#include "mlora/Runtime/Model/FloatFormats.h"

#include <cmath>
#include <random>

using namespace mlora::test;

namespace {

/// A matrix of its layout, with what its elements are worth.
struct Matrix {
  DataType type;
  Order order;
  bool isTransposed;
  uint64_t rows, columns; ///< of op(X)
  int64_t ld;
  std::vector<double> values = std::vector<double>(rows * columns); ///< of op(X), by rows

  uint64_t storedRows() const { return isTransposed ? columns : rows; }
  uint64_t storedColumns() const { return isTransposed ? rows : columns; }
  size_t place(uint64_t i, uint64_t j) const {
    if (isTransposed)
      std::swap(i, j);
    return order == Order::Columns ? i + j * uint64_t(ld) : i * uint64_t(ld) + j;
  }
  size_t elements() const { return place(rows - 1, columns - 1) + 1; }

  /// Random values as the type holds them; between them 99.
  std::vector<uint8_t> fill(std::mt19937 &random) {
    std::uniform_real_distribution<float> distribution(-1, 1);
    size_t size = type == DataType::F32 ? 4 : 2;
    std::vector<uint8_t> bytes(elements() * size);
    std::vector<float> dense(elements(), 99);
    for (uint64_t i = 0; i < rows; ++i)
      for (uint64_t j = 0; j < columns; ++j) {
        float value = distribution(random);
        if (type == DataType::BF16)
          value = mlora::bfloatToFloat(mlora::floatToBfloat(value));
        values[i * columns + j] = dense[place(i, j)] = value;
      }
    for (size_t i = 0; i < dense.size(); ++i) {
      uint16_t half = mlora::floatToBfloat(dense[i]);
      std::memcpy(&bytes[i * size], type == DataType::F32 ? static_cast<void *>(&dense[i]) : &half, size);
    }
    return bytes;
  }
};

struct BlasTest : EmulatedCuda {
  BlasLtTable &blas = table.blas;
  BlasLt *handle = nullptr;
  MatmulDesc *desc = nullptr;
  Preference *preference = nullptr;
  MatrixLayout *layouts[4] = {}; ///< A, B, C, D
  DevicePointer memory[4] = {}, workspace = 0;
  float alpha = 1, beta = 0;
  Heuristic found[4];
  int count = 0;

  void SetUp() override {
    EmulatedCuda::SetUp();
    EXPECT_CUDA_OK(blas.create(&handle));
    EXPECT_CUDA_OK(blas.matmulDescCreate(&desc, ComputeType::Compute32F, DataType::F32));
    EXPECT_CUDA_OK(blas.preferenceCreate(&preference));
    prefer(PreferenceAttribute::MaxWorkspaceBytes, uint64_t(4) << 20);
  }
  void TearDown() override {
    destroyLayouts();
    blas.preferenceDestroy(preference);
    blas.matmulDescDestroy(desc);
    EXPECT_CUDA_OK(blas.destroy(handle));
    EmulatedCuda::TearDown();
  }
  void destroyLayouts() {
    for (MatrixLayout *&layout : layouts)
      if (layout)
        blas.matrixLayoutDestroy(std::exchange(layout, nullptr));
  }

  template <typename Value> void prefer(PreferenceAttribute attribute, Value value) {
    EXPECT_CUDA_OK(blas.preferenceSetAttribute(preference, attribute, &value, sizeof value));
  }
  template <typename Value> void describe(MatmulAttribute attribute, Value value) {
    EXPECT_CUDA_OK(blas.matmulDescSetAttribute(desc, attribute, &value, sizeof value));
  }
  template <typename Value> void lay(int operand, LayoutAttribute attribute, Value value) {
    EXPECT_CUDA_OK(blas.matrixLayoutSetAttribute(layouts[operand], attribute, &value, sizeof value));
  }

  void layOut(int operand, const Matrix &matrix) {
    EXPECT_CUDA_OK(blas.matrixLayoutCreate(&layouts[operand], matrix.type, matrix.storedRows(),
                                           matrix.storedColumns(), matrix.ld));
    lay(operand, LayoutAttribute::Order, matrix.order);
  }

  BlasStatus findAlgorithms() {
    return blas.matmulAlgoGetHeuristic(handle, desc, layouts[0], layouts[1], layouts[2], layouts[3],
                                       preference, 4, found, &count);
  }
  BlasStatus multiply(const Algorithm *algorithm = nullptr, size_t workspaceBytes = 0) {
    auto pointer = [&](int i) { return reinterpret_cast<void *>(memory[i]); };
    return blas.matmul(handle, desc, &alpha, pointer(0), layouts[0], pointer(1), layouts[1], &beta,
                       pointer(2), layouts[2], pointer(3), layouts[3], algorithm,
                       reinterpret_cast<void *>(workspace), workspaceBytes, stream);
  }

  /// A 5 x 4 product over k = 3 in f32, by columns; ready to be spoilt.
  void simple() {
    Matrix a{DataType::F32, Order::Columns, false, 5, 3, 8}, b{DataType::F32, Order::Columns, false, 3, 4, 4},
        d{DataType::F32, Order::Columns, false, 5, 4, 8};
    layOut(0, a);
    layOut(1, b);
    layOut(2, d);
    layOut(3, d);
    memory[0] = allocate(a.elements() * 4, "a");
    memory[1] = allocate(b.elements() * 4, "b");
    memory[2] = memory[3] = allocate(d.elements() * 4, "d");
  }
};

TEST_F(BlasTest, ProductsInEveryOrderAndTransposition) {
  std::mt19937 random(1);
  const uint64_t m = 5, n = 7, k = 9;
  for (int bits = 0; bits < 32; ++bits)
    for (auto [in, out] : {std::pair(DataType::F32, DataType::F32), std::pair(DataType::BF16, DataType::BF16),
                           std::pair(DataType::BF16, DataType::F32)}) {
      SCOPED_TRACE("case " + std::to_string(bits) + ", types " + std::to_string(int(in)) + " to " +
                   std::to_string(int(out)));
      auto order = [&](int bit) { return bits >> bit & 1 ? Order::Rows : Order::Columns; };
      Matrix a{in, order(0), bool(bits & 8), m, k, 12}, b{in, order(1), bool(bits & 16), k, n, 11},
          d{out, order(2), false, m, n, 10};
      memory[0] = upload(a.fill(random));
      memory[1] = upload(b.fill(random));
      Matrix before = d;
      memory[2] = memory[3] = upload(before.fill(random));
      layOut(0, a);
      layOut(1, b);
      layOut(2, d);
      layOut(3, d);
      describe(MatmulAttribute::TransA, a.isTransposed ? Transposition::Transposed : Transposition::None);
      describe(MatmulAttribute::TransB, b.isTransposed ? Transposition::Transposed : Transposition::None);
      alpha = 1.5f;
      beta = bits % 3 == 0 ? 0 : 0.5f;
      EXPECT_CUDA_OK(multiply());
      std::vector<uint8_t> bytes =
          download<uint8_t>(memory[3], d.elements() * (out == DataType::F32 ? 4 : 2));
      for (uint64_t i = 0; i < m; ++i)
        for (uint64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (uint64_t l = 0; l < k; ++l)
            sum += a.values[i * k + l] * b.values[l * n + j];
          double want = 1.5 * sum + double(beta) * before.values[i * n + j], have;
          if (out == DataType::F32) {
            have = reinterpret_cast<const float *>(bytes.data())[d.place(i, j)];
            EXPECT_NEAR(have, want, 1e-5);
          } else {
            have = mlora::bfloatToFloat(reinterpret_cast<const uint16_t *>(bytes.data())[d.place(i, j)]);
            EXPECT_NEAR(have, want, std::abs(want) / 256 + 1e-5);
          }
        }
      destroyLayouts();
    }
}

TEST_F(BlasTest, LeavesWhatIsBetweenTheRowsOfD) {
  simple();
  for (int i = 0; i < 4; ++i)
    EXPECT_CUDA_OK(driver.memsetD8Async(memory[i], 0x11, i < 2 ? 40 : 116, stream));
  EXPECT_CUDA_OK(multiply());
  std::vector<uint8_t> bytes = download<uint8_t>(memory[3], 116);
  EXPECT_NE(bytes[4 * 4], 0x11);
  EXPECT_EQ(bytes[5 * 4], 0x11);
  EXPECT_EQ(bytes[7 * 4 + 3], 0x11);
}

TEST_F(BlasTest, TheHeuristicsAlgorithmsSayWhatTheyNeed) {
  simple();
  EXPECT_CUDA_OK(findAlgorithms());
  ASSERT_EQ(count, 2);
  EXPECT_EQ(found[0].workspaceBytes, size_t(1) << 20);
  EXPECT_EQ(found[1].workspaceBytes, 0u);
  EXPECT_CUDA_OK(multiply(&found[1].algorithm));
  EXPECT_CUDA_REFUSED(multiply(&found[0].algorithm, 1000), BlasStatus::InvalidValue,
                      "workspaceSizeInBytes is 1000", "1048576");
  EXPECT_CUDA_REFUSED(multiply(&found[0].algorithm, 1 << 20), BlasStatus::InvalidValue, "workspace is null");
  workspace = allocate(1 << 20, "workspace");
  EXPECT_CUDA_OK(multiply(&found[0].algorithm, 1 << 20));
  Algorithm foreign;
  EXPECT_CUDA_REFUSED(multiply(&foreign), BlasStatus::InvalidValue, "algo does not come from");
  EXPECT_CUDA_REFUSED(blas.matmulAlgoGetHeuristic(handle, desc, layouts[0], layouts[1], layouts[2],
                                                  layouts[3], preference, 0, found, &count),
                      BlasStatus::InvalidValue, "requestedAlgoCount is 0");
  EXPECT_CUDA_OK(driver.streamSynchronize(stream));
}

/// 257 is no bf16, 256 + 1 + 1 is one.
TEST_F(BlasTest, PartsOfASumAreRoundedWhereTheMaskAllowsIt) {
  Matrix row{DataType::BF16, Order::Columns, false, 1, 4, 1},
      column{DataType::BF16, Order::Columns, false, 4, 4, 4},
      result{DataType::BF16, Order::Columns, false, 1, 4, 1};
  for (int operand = 0; operand < 4; ++operand)
    layOut(operand, operand == 0 ? row : operand == 1 ? column : result);
  auto stored = [](std::initializer_list<float> values) {
    std::vector<uint16_t> halves;
    for (float value : values)
      halves.push_back(mlora::floatToBfloat(value));
    return halves;
  };
  memory[0] = upload(stored({256, 1, 1, 0}));
  memory[1] = upload(std::vector<uint16_t>(16, mlora::floatToBfloat(1)));
  memory[2] = memory[3] = allocate(8, "d");
  workspace = allocate(1 << 20, "workspace");
  for (int operand = 0; operand < 4; ++operand)
    prefer(PreferenceAttribute(int(PreferenceAttribute::MinAlignmentA) + operand), uint32_t(2));
  auto first = [&] {
    EXPECT_CUDA_OK(findAlgorithms());
    EXPECT_CUDA_OK(multiply(&found[0].algorithm, 1 << 20));
    return mlora::bfloatToFloat(download<uint16_t>(memory[3], 1)[0]);
  };
  EXPECT_EQ(first(), 256);
  prefer(PreferenceAttribute::ReductionSchemes, ReductionScheme::ComputeType);
  EXPECT_EQ(first(), 258);
  EXPECT_EQ(found[0].workspaceBytes, size_t(1) << 20);
  prefer(PreferenceAttribute::ReductionSchemes, ReductionScheme::None);
  EXPECT_EQ(first(), 258);
  EXPECT_EQ(count, 1) << "none that splits";
}

TEST_F(BlasTest, AnAlgorithmIsNotForEverySize) {
  simple();
  EXPECT_CUDA_OK(findAlgorithms());
  Algorithm split = found[0].algorithm, whole = found[1].algorithm;
  auto verdict = [&](const Algorithm *algorithm) {
    return blas.matmulAlgoCheck(handle, desc, layouts[0], layouts[1], layouts[2], layouts[3], algorithm,
                                found);
  };
  EXPECT_CUDA_OK(verdict(&split));
  EXPECT_EQ(found[0].workspaceBytes, size_t(1) << 20);
  for (int operand = 1; operand < 4; ++operand)
    lay(operand, LayoutAttribute::Columns, uint64_t(3));
  EXPECT_CUDA_REFUSED(verdict(&split), BlasStatus::NotSupported, "multiples of 4", "there are 3");
  EXPECT_CUDA_REFUSED(multiply(&split), BlasStatus::NotSupported, "multiples of 4");
  EXPECT_CUDA_OK(verdict(&whole));
  EXPECT_EQ(found[0].workspaceBytes, 0u);
  EXPECT_CUDA_OK(findAlgorithms());
  EXPECT_EQ(count, 1);
  Algorithm foreign;
  EXPECT_CUDA_REFUSED(verdict(&foreign), BlasStatus::InvalidValue, "algo does not come from");
  EXPECT_CUDA_REFUSED(verdict(nullptr), BlasStatus::InvalidValue, "algo or result is null");
}

TEST_F(BlasTest, AlignmentIsThatOfThePreference) {
  simple();
  memory[0] = allocate(1024, "a") + 16;
  EXPECT_CUDA_OK(findAlgorithms()); // 256 unless said otherwise
  EXPECT_CUDA_REFUSED(multiply(&found[1].algorithm), BlasStatus::InvalidValue, "A: its address",
                      "multiple of 256", "MIN_ALIGNMENT_A_BYTES");
  prefer(PreferenceAttribute::MinAlignmentA, uint32_t(16));
  EXPECT_CUDA_OK(findAlgorithms());
  EXPECT_CUDA_OK(multiply(&found[1].algorithm));
  memory[0] += 4;
  EXPECT_CUDA_REFUSED(multiply(&found[1].algorithm), BlasStatus::InvalidValue, "A: its address",
                      "multiple of 16");
  EXPECT_CUDA_OK(multiply()); // an algorithm for any alignment
  memory[0] += 2;
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "multiple of 4");
  uint32_t odd = 12;
  EXPECT_CUDA_REFUSED(blas.preferenceSetAttribute(preference, PreferenceAttribute::MinAlignmentD, &odd, 4),
                      BlasStatus::InvalidValue, "MIN_ALIGNMENT_D_BYTES", "power of two");
  EXPECT_CUDA_OK(driver.streamSynchronize(stream));
}

TEST_F(BlasTest, RefusesTypes) {
  simple();
  for (auto [type, status, part] : {std::tuple(DataType::F64, BlasStatus::NotSupported, "CUDA_R_64F"),
                                    std::tuple(DataType::BF16, BlasStatus::NotSupported, "Bdesc: TYPE")}) {
    lay(0, LayoutAttribute::Type, type);
    EXPECT_CUDA_REFUSED(multiply(), status, part);
    EXPECT_CUDA_REFUSED(findAlgorithms(), status, part);
  }
  lay(0, LayoutAttribute::Type, DataType::F32);
  lay(3, LayoutAttribute::Type, DataType::BF16);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::NotSupported, "Ddesc: TYPE is CUDA_R_16BF", "Cdesc");
  lay(2, LayoutAttribute::Type, DataType::BF16);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::NotSupported, "Ddesc: TYPE is CUDA_R_16BF", "Adesc");
}

TEST_F(BlasTest, RefusesDescriptors) {
  simple();
  describe(MatmulAttribute::ComputeType, ComputeType::Compute32FFastTF32);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::NotSupported, "COMPUTE_TYPE is 77", "CUBLAS_COMPUTE_32F");
  describe(MatmulAttribute::ComputeType, ComputeType::Compute32F);
  describe(MatmulAttribute::ScaleType, DataType::F16);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::NotSupported, "SCALE_TYPE is CUDA_R_16F");
  describe(MatmulAttribute::ScaleType, DataType::F32);
  describe(MatmulAttribute::PointerMode, int32_t(1));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::NotSupported, "POINTER_MODE");
  describe(MatmulAttribute::PointerMode, int32_t(0));
  describe(MatmulAttribute::TransC, Transposition::Transposed);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::NotSupported, "TRANSC");
  describe(MatmulAttribute::TransC, Transposition::None);
  int32_t four = 4;
  int64_t wide = 0;
  EXPECT_CUDA_REFUSED(blas.matmulDescSetAttribute(desc, MatmulAttribute::TransA, &four, 4),
                      BlasStatus::InvalidValue, "TRANSA is 4");
  EXPECT_CUDA_REFUSED(blas.matmulDescSetAttribute(desc, MatmulAttribute::TransB, &wide, 8),
                      BlasStatus::InvalidValue, "TRANSB: 8 bytes", "expected 4");
  EXPECT_CUDA_REFUSED(blas.matmulDescSetAttribute(desc, MatmulAttribute(7), &four, 4),
                      BlasStatus::NotSupported, "attribute 7");
  EXPECT_CUDA_OK(multiply());
  EXPECT_CUDA_OK(driver.streamSynchronize(stream));
}

TEST_F(BlasTest, RefusesLayouts) {
  simple();
  lay(0, LayoutAttribute::LeadingDimension, int64_t(4));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "Adesc: LD is 4", "5 rows of a column");
  lay(0, LayoutAttribute::Order, Order::Rows); // 3 columns of a row fit
  EXPECT_CUDA_OK(multiply());
  lay(0, LayoutAttribute::Order, Order(2));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::NotSupported, "Adesc: ORDER is 2");
  lay(0, LayoutAttribute::Order, Order::Columns);
  lay(0, LayoutAttribute::LeadingDimension, int64_t(8));
  lay(1, LayoutAttribute::Rows, uint64_t(2));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "Bdesc: op(B) has 2 rows", "op(A) has 3 columns");
  lay(1, LayoutAttribute::Rows, uint64_t(3));
  lay(3, LayoutAttribute::Rows, uint64_t(6));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "Ddesc: op(D) has 6 rows", "op(A) has 5");
  lay(3, LayoutAttribute::Rows, uint64_t(5));
  lay(2, LayoutAttribute::Columns, uint64_t(3));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "Cdesc: op(C) has 3 columns");
  lay(2, LayoutAttribute::Columns, uint64_t(4));
  lay(2, LayoutAttribute::Order, Order::Rows);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "Cdesc: ORDER");
  lay(2, LayoutAttribute::Order, Order::Columns);
  lay(1, LayoutAttribute::BatchCount, int32_t(2));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::NotSupported, "Bdesc: BATCH_COUNT is 2");
  lay(1, LayoutAttribute::BatchCount, int32_t(1));
  lay(1, LayoutAttribute::Columns, uint64_t(0));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "Bdesc: ROWS x COLS is 3 x 0");
  lay(1, LayoutAttribute::Columns, uint64_t(4));
  EXPECT_CUDA_OK(blas.matrixLayoutDestroy(std::exchange(layouts[1], nullptr)));
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "Bdesc is null, destroyed");
  EXPECT_CUDA_OK(driver.streamSynchronize(stream));
}

TEST_F(BlasTest, RefusesMemory) {
  simple();
  DevicePointer a = std::exchange(memory[0], 0);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "A is null");
  memory[0] = a + 4; // one element beyond
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "A: 84 bytes from byte 4", "beyond the end of a");
  memory[0] = a;
  DevicePointer d = std::exchange(memory[3], a);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "D: ", "beyond the end of a");
  memory[3] = d;
  DevicePointer b = std::exchange(memory[1], d + 32);
  EXPECT_CUDA_REFUSED(multiply(), BlasStatus::InvalidValue, "D overlaps");
  memory[1] = b;
  EXPECT_CUDA_REFUSED(blas.matmul(nullptr, desc, &alpha, nullptr, layouts[0], nullptr, layouts[1], &beta,
                                  nullptr, layouts[2], nullptr, layouts[3], nullptr, nullptr, 0, stream),
                      BlasStatus::InvalidValue, "lightHandle");
}

} // namespace
