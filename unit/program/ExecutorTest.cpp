#include "mlora/Runtime/Program/Program.h"

#include "../Expect.h"
#include "TestBundle.h"

#include <cstring>
#include <numeric>

using namespace mlora;
using namespace mlora::test;

namespace {

struct ExecutorTest : testing::Test {
  TestBundle files;

  std::unique_ptr<Program> load(int64_t threads) {
    auto program = std::make_unique<Program>(Bundle::load(files.path()),
                                             Scalars{.rows = 64, .countedRows = 64, .kvRows = 64}, threads);
    for (int layer = 0; layer < 3; ++layer)
      for (int j = 0; j < 8; ++j)
        program->slot(2, layer)[size_t(j)] = j == 0 ? float(layer + 1) : 0.1f * float(j);
    return program;
  }

  static std::vector<int32_t> ids(int64_t rows) {
    std::vector<int32_t> values(static_cast<size_t>(rows));
    std::iota(values.begin(), values.end(), 3);
    return values;
  }
};

TEST_F(ExecutorTest, RunsASectionWithLoopsSlotsAndGrids) {
  auto program = load(2);
  program->setInput("input_ids", std::span<const int32_t>(ids(10)));
  program->run("micro_step", {.rows = 10, .kvRows = 10});
  // By hand, row 9, column 0: 12, then three times * 1.0001 + w.
  float h = 12;
  for (int layer = 0; layer < 3; ++layer)
    h = h * 1.0001f + float(layer + 1);
  EXPECT_EQ(program->slot(1, 3)[9 * 8], h);
  // Rows beyond the run-time extent are untouched.
  EXPECT_EQ(program->slot(1, 3)[10 * 8], 0);
  float sum = 0;
  for (int i = 0; i < 10; ++i)
    sum += program->slot(1, 3)[size_t(i) * 8 + 5];
  EXPECT_EQ(program->slot(5, 2)[5], sum);
  program->run("micro_step", {.rows = 10, .kvRows = 10, .accumulate = 1});
  EXPECT_NEAR(program->slot(5, 2)[5], 2 * sum, 1e-3);
}

TEST_F(ExecutorTest, LoopsRunInTheirDirection) {
  auto program = load(1);
  auto result = [&](const char *section) {
    program->slot(6, 0)[0] = 0;
    program->run(section);
    return program->output("loss")[0];
  };
  EXPECT_EQ(result("upward"), 123);
  EXPECT_EQ(result("downward"), 321);
  // Slot (5 - l) mod 3: 2, 1, 0.
  EXPECT_EQ(result("around"), 321);
}

TEST_F(ExecutorTest, TheNumberOfThreadsChangesNoBit) {
  std::vector<float> expected;
  for (int64_t threads = 1; threads <= 4; ++threads) {
    auto program = load(threads);
    EXPECT_EQ(program->threads(), threads);
    program->setInput("input_ids", std::span<const int32_t>(ids(61)));
    for (int64_t i = 0; i < 50; ++i)
      program->run("micro_step", {.rows = 61, .kvRows = 61, .accumulate = i > 0});
    std::vector<float> result;
    for (int buffer : {1, 5, 6})
      for (int64_t slot = 0; slot < program->manifest().buffers[size_t(buffer)].slots; ++slot)
        for (float value : program->slot(buffer, slot))
          result.push_back(value);
    if (expected.empty())
      expected = result;
    EXPECT_EQ(std::memcmp(expected.data(), result.data(), result.size() * 4), 0) << threads << " threads";
  }
}

TEST_F(ExecutorTest, RunsAProduct) {
  auto program = load(2);
  std::vector<float> identity(64, 0);
  for (size_t i = 0; i < 8; ++i)
    identity[i * 8 + i] = 2;
  program->setInput("W", std::span<const float>(identity));
  for (size_t i = 0; i < 5 * 8; ++i)
    program->slot(1, 0)[i] = float(i);
  program->run("matmul", {.rows = 5});
  for (size_t i = 0; i < 5 * 8; ++i)
    EXPECT_EQ(program->output("y")[i], 2 * float(i));
}

TEST_F(ExecutorTest, MeasuresKernels) {
  auto program = load(2);
  program->setInput("input_ids", std::span<const int32_t>(ids(9)));
  program->executor().measure(true);
  program->run("micro_step", {.rows = 9});
  const KernelTiming &add = program->executor().timings()[1];
  EXPECT_EQ(add.calls, 3);
  EXPECT_EQ(add.blocks, 3 * 3 * 4);
  EXPECT_EQ(add.flops, 3 * 16 * 9);
  EXPECT_GT(add.seconds, 0);
  program->executor().clearTimings();
  EXPECT_EQ(program->executor().timings()[1].calls, 0);
}

TEST_F(ExecutorTest, RefusesWhatTheProgramCannotDo) {
  auto program = load(1);
  EXPECT_REFUSED(program->run("micro_step", {.rows = 65}), "64 rows", "65");
  EXPECT_REFUSED(program->run("nothing"), "no section nothing");
  EXPECT_REFUSED(program->setInput("input_ids", std::span<const int32_t>(ids(65))), "input_ids", "64");
  EXPECT_REFUSED(program->setInput("W", std::span<const int32_t>(ids(1))), "another type");
  EXPECT_REFUSED(program->setInput("X", std::span<const int32_t>(ids(1))), "no input X");
  EXPECT_REFUSED(program->output("z"), "no output z");
}

TEST(ThreadPool, RunsEveryBlockOnce) {
  ThreadPool pool(4);
  for (int64_t blocks : {0, 1, 2, 3, 4, 7, 100, 1000})
    for (int repeat = 0; repeat < 200; ++repeat) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(blocks));
      pool.forEach(blocks, [&](int64_t block, int64_t worker) {
        EXPECT_LT(worker, 4);
        seen[size_t(block)]++;
      });
      for (auto &count : seen)
        ASSERT_EQ(count, 1);
    }
}

TEST(ThreadPool, WakesAfterARest) {
  ThreadPool pool(2);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> sum = 0;
    pool.forEach(10, [&](int64_t block, int64_t) { sum += int(block); });
    EXPECT_EQ(sum, 45);
  }
}

} // namespace
