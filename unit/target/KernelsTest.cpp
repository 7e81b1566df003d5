// Values of compiled kernels, for row lengths that do and do not divide a vector.
#include "CompiledKernel.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>

using namespace mlora;

namespace {

constexpr int64_t kRows = 3;
const int64_t kLengths[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 37, 64, 100, 576, 1000};

std::vector<float> ramp(size_t count, float from, float step) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = from + step * float((i * 7919) % 1013);
  return values;
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// Runs `test` with rows of each length as a static size and as a run-time one. The body's `ROW` is the type
/// of kRows rows at %x of `LENGTH` elements inside a buffer of 1024 columns.
void forEachLength(const std::string &arguments, const std::string &body,
                   const std::function<void(const CompiledKernel &, int64_t)> &test) {
  std::string view = "%v = memref.subview %x[0, 0] [3, SIZE] [1, 1] : memref<?x1024xf32> to ROW\n";
  auto build = [&](const std::string &size, const std::string &length) {
    std::string text = replaced(view + body, "ROW", "memref<3xLENGTHxf32, strided<[1024, 1]>>");
    return replaced(replaced(text, "SIZE", size), "LENGTH", length);
  };
  CompiledKernel dynamic(arguments, build("%n", "?"));
  ASSERT_EQ(dynamic.messages, "");
  for (int64_t length : kLengths) {
    SCOPED_TRACE("dynamic " + std::to_string(length));
    test(dynamic, length);
  }
  for (int64_t length : kLengths) {
    if (length > 100)
      continue;
    SCOPED_TRACE("static " + std::to_string(length));
    CompiledKernel kernel(arguments, build(std::to_string(length), std::to_string(length)));
    ASSERT_EQ(kernel.messages, "");
    test(kernel, length);
    if (testing::Test::HasFatalFailure())
      return;
  }
}

int64_t ulps(float a, float b) {
  auto ordered = [](float f) {
    int32_t i;
    memcpy(&i, &f, 4);
    return i < 0 ? int64_t(INT32_MIN) - i : int64_t(i);
  };
  return std::abs(ordered(a) - ordered(b));
}

} // namespace

TEST(Kernels, ElementwiseTouchesItsRowsOnly) {
  std::string body = R"(
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%s : memref<3xf32>) outs(%v : ROW) {
    ^bb0(%a: f32, %b: f32):
      %d = arith.mulf %a, %b : f32
      linalg.yield %d : f32
    })";
  forEachLength(
      "%x: memref<?x1024xf32>, %s: memref<3xf32>", body, [&](const CompiledKernel &kernel, int64_t n) {
        std::vector<float> x = ramp(kRows * 1024, 1, 0.5f), before = x, s = {2, 3, 5};
        kernel({x.data(), s.data()}, n);
        for (int64_t i = 0; i < kRows; ++i)
          for (int64_t j = 0; j < 1024; ++j)
            ASSERT_EQ(x[size_t(i * 1024 + j)], before[size_t(i * 1024 + j)] * (j < n ? s[size_t(i)] : 1))
                << i << " " << j;
      });
}

TEST(Kernels, SumsAndMaximaOfRows) {
  std::string body = R"(
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>],
                    iterator_types = ["parallel", "reduction"]}
      ins(%v : ROW) outs(%s, %m : memref<3xf32>, memref<3xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %d = arith.mulf %a, %a : f32
      %e = arith.addf %b, %d : f32
      %f = arith.maximumf %a, %c : f32
      linalg.yield %e, %f : f32, f32
    })";
  forEachLength(
      "%x: memref<?x1024xf32>, %s: memref<3xf32>, %m: memref<3xf32>", body,
      [&](const CompiledKernel &kernel, int64_t n) {
        std::vector<float> x = ramp(kRows * 1024, -500, 0.9f), s = {1, 2, 3}, m = {-1e9f, -1e9f, 1e9f};
        kernel({x.data(), s.data(), m.data()}, n);
        for (int64_t i = 0; i < kRows; ++i) {
          double sum = double(i + 1);
          float top = i == 2 ? 1e9f : -1e9f;
          for (int64_t j = 0; j < n; ++j) {
            float value = x[size_t(i * 1024 + j)];
            sum += double(value) * value;
            top = std::max(top, value);
          }
          ASSERT_NEAR(s[size_t(i)], sum, sum * 1e-6) << i;
          ASSERT_EQ(m[size_t(i)], top) << i;
        }
      });
}

TEST(Kernels, EmptyRowsChangeNothing) {
  CompiledKernel kernel("%x: memref<?xf32>, %s: memref<f32>", R"(
    %v = memref.subview %x[0] [%n] [1] : memref<?xf32> to memref<?xf32, strided<[1]>>
    linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%v : memref<?xf32, strided<[1]>>) outs(%s : memref<f32>) {
    ^bb0(%a: f32, %b: f32):
      %d = arith.addf %b, %a : f32
      linalg.yield %d : f32
    })");
  ASSERT_EQ(kernel.messages, "");
  float x = 1, s = 5;
  kernel({&x, &s}, 0);
  EXPECT_EQ(s, 5);
}

TEST(Kernels, ColumnSumsKeepTheOrderOfRows) {
  CompiledKernel kernel("%x: memref<?x37xf32>, %s: memref<37xf32>", R"(
    %v = memref.subview %x[0, 0] [%n, 37] [1, 1] : memref<?x37xf32> to memref<?x37xf32, strided<[37, 1]>>
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>], iterator_types = ["reduction", "parallel"]}
      ins(%v : memref<?x37xf32, strided<[37, 1]>>) outs(%s : memref<37xf32>) {
    ^bb0(%a: f32, %b: f32):
      %d = arith.addf %b, %a : f32
      linalg.yield %d : f32
    })");
  ASSERT_EQ(kernel.messages, "");
  std::vector<float> x = ramp(20 * 37, 0.1f, 0.3f), s(37, 0.f), want(37, 0.f);
  kernel({x.data(), s.data()}, 20);
  for (size_t i = 0; i < 20; ++i)
    for (size_t j = 0; j < 37; ++j)
      want[j] += x[i * 37 + j];
  EXPECT_EQ(s, want);
}

TEST(Kernels, TransposedReadsAreGathered) {
  CompiledKernel kernel("%x: memref<37x19xf32>, %y: memref<19x37xf32>", R"(
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<37x19xf32>) outs(%y : memref<19x37xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
    })");
  ASSERT_EQ(kernel.messages, "");
  std::vector<float> x = ramp(37 * 19, 0, 1), y(37 * 19);
  kernel({x.data(), y.data()}, 0);
  for (size_t i = 0; i < 19; ++i)
    for (size_t j = 0; j < 37; ++j)
      ASSERT_EQ(y[i * 37 + j], x[j * 19 + i]);
}

TEST(Kernels, IndicesComparisonsAndRowsByNumber) {
  CompiledKernel kernel("%table: memref<8x37xf32>, %ids: memref<?xi32>, %y: memref<?x37xf32>", R"(
    %w = memref.subview %ids[0] [%n] [1] : memref<?xi32> to memref<?xi32, strided<[1]>>
    %v = memref.subview %y[0, 0] [%n, 37] [1, 1] : memref<?x37xf32> to memref<?x37xf32, strided<[37, 1]>>
    %c30 = arith.constant 30 : index
    %zero = arith.constant 0.0 : f32
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%w : memref<?xi32, strided<[1]>>) outs(%v : memref<?x37xf32, strided<[37, 1]>>) {
    ^bb0(%id: i32, %b: f32):
      %row = arith.index_cast %id : i32 to index
      %j = linalg.index 1 : index
      %a = memref.load %table[%row, %j] : memref<8x37xf32>
      %inside = arith.cmpi ult, %j, %c30 : index
      %r = arith.select %inside, %a, %zero : f32
      linalg.yield %r : f32
    })");
  ASSERT_EQ(kernel.messages, "");
  std::vector<float> table = ramp(8 * 37, 1, 1), y(5 * 37, -1.f);
  int32_t ids[] = {3, 0, 7, 7};
  kernel({table.data(), ids, y.data()}, 4);
  for (size_t i = 0; i < 5; ++i)
    for (size_t j = 0; j < 37; ++j)
      ASSERT_EQ(y[i * 37 + j], i == 4 ? -1 : j < 30 ? table[size_t(ids[i]) * 37 + j] : 0);
}

TEST(Kernels, DoublesAccumulateFloats) {
  CompiledKernel kernel("%x: memref<100xf32>, %y: memref<1xf32>", R"(
    %s = memref.view %scratch[%c0][] : memref<?xi8> to memref<f64>
    %zero = arith.constant 0.0 : f64
    linalg.fill ins(%zero : f64) outs(%s : memref<f64>)
    linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%x : memref<100xf32>) outs(%s : memref<f64>) {
    ^bb0(%a: f32, %b: f64):
      %w = arith.extf %a : f32 to f64
      %d = arith.addf %b, %w : f64
      linalg.yield %d : f64
    }
    %t = memref.load %s[] : memref<f64>
    %r = math.sqrt %t : f64
    %f = arith.truncf %r : f64 to f32
    memref.store %f, %y[%c0] : memref<1xf32>)");
  ASSERT_EQ(kernel.messages, "");
  std::vector<float> x(100, 0.1f), y(1);
  kernel({x.data(), y.data()}, 0);
  EXPECT_FLOAT_EQ(y[0], float(std::sqrt(100 * double(0.1f))));
}

/// Worst distance from the f64 function in units in the last place, over `x`.
static int64_t worst(const std::string &op, double (*want)(double), std::vector<float> x) {
  CompiledKernel kernel("%x: memref<?xf32>, %y: memref<?xf32>", replaced(R"(
    %v = memref.subview %x[0] [%n] [1] : memref<?xf32> to memref<?xf32, strided<[1]>>
    %w = memref.subview %y[0] [%n] [1] : memref<?xf32> to memref<?xf32, strided<[1]>>
    linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%v : memref<?xf32, strided<[1]>>) outs(%w : memref<?xf32, strided<[1]>>) {
    ^bb0(%a: f32, %b: f32):
      %d = OP %a : f32
      linalg.yield %d : f32
    })",
                                                                         "OP", op));
  EXPECT_EQ(kernel.messages, "");
  std::vector<float> y(x.size());
  kernel({x.data(), y.data()}, int64_t(x.size()));
  int64_t most = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    float expected = float(want(double(x[i])));
    if (std::isnan(expected) != std::isnan(y[i]))
      ADD_FAILURE() << op << "(" << x[i] << ") = " << y[i];
    else if (!std::isnan(expected) && ulps(y[i], expected) > most)
      most = ulps(y[i], expected);
  }
  return most;
}

static std::vector<float> range(double from, double to, size_t count) {
  std::vector<float> x(count);
  for (size_t i = 0; i < count; ++i)
    x[i] = float(from + (to - from) * double(i) / double(count));
  return x;
}

TEST(Kernels, ElementaryFunctions) {
  float inf = INFINITY;
  EXPECT_LE(worst("math.exp", std::exp, range(-87, 88.7, 1000003)), 2);
  EXPECT_LE(
      worst("math.exp", std::exp, {0, -0.0f, -inf, inf, NAN, -1e9f, 1e9f, 88.72f, 88.73f, -104, -3.4e38f}),
      1);
  EXPECT_LE(worst("math.exp", std::exp, range(-104, -87, 10007)), 2); // denormal
  EXPECT_LE(worst("math.log", std::log, range(1e-6, 4, 1000003)), 2);
  EXPECT_LE(worst("math.log", std::log, range(1, 1e30, 100003)), 2);
  EXPECT_LE(worst("math.log", std::log, {0, 1, -1, inf, NAN, 1e-40f, 1e-45f, -inf}), 2);
  EXPECT_LE(worst("math.sin", std::sin, range(-1e5, 1e5, 1000003)), 1);
  EXPECT_LE(worst("math.cos", std::cos, range(-1e5, 1e5, 1000003)), 1);
  EXPECT_LE(worst("math.sqrt", std::sqrt, range(0, 1e4, 100003)), 0);
  EXPECT_LE(worst(
                "math.rsqrt", [](double x) { return 1 / std::sqrt(x); }, range(1e-3, 1e4, 100003)),
            1);
}

TEST(Kernels, ForeignCallsAreRefusedByName) {
  CompiledKernel kernel("%x: memref<16xf32>", R"(
    linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%x : memref<16xf32>) {
    ^bb0(%a: f32):
      %d = math.powf %a, %a : f32
      linalg.yield %d : f32
    })");
  EXPECT_NE(kernel.messages.find("'powf'"), std::string::npos) << kernel.messages;
}
