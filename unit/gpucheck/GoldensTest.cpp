// The golden tests' rows: a process a test, whatever becomes of it.
#include "Fixture.h"

namespace gpucheck {
namespace {

/// A program of four tests, as googletest speaks: `Good` passes, `Bad` fails, `Dead` crashes, `Absent` skips itself.
constexpr const char *script = R"(
case "$*" in *--gtest_list_tests*)
  echo 'Running main() from somewhere'
  echo 'Tiny/GoldenCuda.'
  echo '  Good/lora  # GetParam() = "/a/b.lora"'
  echo '  Bad/lora  # GetParam() = "lora"'
  echo 'WgmmaCuda.'
  echo '  Dead'
  echo '  Absent'
  exit 0
esac
report=${2#--gtest_output=json:}
echo "[ RUN      ] ${1#--gtest_filter=}"
write() { echo "{\"testsuites\": [{\"name\": \"S\", \"testsuite\": [{\"name\": \"T\" $1}]}]}" >"$report"; }
case $1 in
*Good*) echo 'off by 1e-3'; write ', "result": "COMPLETED"'; echo '[       OK ] Good (3 ms)' ;;
*Bad*) write ', "failures": [{"failure": "2 is not 3"}]'; echo '[  FAILED  ] Bad'; exit 1 ;;
*Dead*) echo 'off by 2e-3'; kill -SEGV $$ ;;
*) write ', "result": "SKIPPED", "skipped": [{"message": "no driver"}]'; echo '[  SKIPPED ] Absent' ;;
esac
)";

TEST_F(GpuCheck, GoldensAreRowsWhateverBecomesOfThem) {
  program("mlora-unit-goldens", script);
  goldens(run);
  const Json &found = report["goldens"];
  EXPECT_EQ(found["problem"], "");
  const Json &tests = found["tests"];
  ASSERT_EQ(tests.size(), 4u);
  auto expect = [&](int i, const char *name, const char *result, const char *message, const char *printed) {
    EXPECT_EQ(tests[i]["name"], name);
    EXPECT_EQ(tests[i]["result"], result);
    EXPECT_TRUE(tests[i]["message"].get<std::string>().starts_with(message)) << tests[i];
    EXPECT_EQ(tests[i]["printed"], printed);
  };
  expect(0, "Tiny/GoldenCuda.Good/lora", "passed", "", "off by 1e-3\n");
  expect(1, "Tiny/GoldenCuda.Bad/lora", "failed", "2 is not 3", "");
  expect(2, "WgmmaCuda.Dead", "failed", "ended by signal Segmentation fault", "off by 2e-3\n");
  expect(3, "WgmmaCuda.Absent", "skipped", "no driver", "");
}

TEST_F(GpuCheck, GoldensThatCannotBeListedAreAProblem) {
  goldens(run);
  EXPECT_NE(report["goldens"]["problem"], "");
  program("mlora-unit-goldens", "exit 0");
  goldens(run);
  EXPECT_EQ(report["goldens"]["problem"], "there is no test");
}

} // namespace
} // namespace gpucheck
