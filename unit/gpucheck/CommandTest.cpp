// What is kept of programs that fail.
#include "Fixture.h"

#include "mlora/Runtime/Core/Files.h"

namespace gpucheck {
namespace {

struct CommandTest : GpuCheck {
  Outcome run(const std::string &script, double seconds = 20) { return commands.run({"sh", "-c", script}, seconds); }
  std::string log() { return mlora::readFile(files / "failed.log"); }
};

TEST_F(CommandTest, WhatEndsWellIsNotLogged) {
  EXPECT_EQ(run("echo yes; echo aside >&2").output, "yes\n");
  EXPECT_FALSE(std::filesystem::exists(files / "failed.log"));
}

TEST_F(CommandTest, OfWhatFailsTheEndIsKeptAndMoreOfItLogged) {
  Outcome outcome = run("echo begun; i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i + 1)); done >&2; exit 3");
  EXPECT_EQ(outcome.problem, "status 3: line 999");
  EXPECT_LT(outcome.said.size(), 2100u);
  EXPECT_TRUE(outcome.said.starts_with("[...]"));
  EXPECT_TRUE(outcome.said.ends_with("line 998\nline 999\n"));
  EXPECT_EQ(run("echo only this; exit 4").said, "only this\n");
  for (const char *part : {"== sh -c echo begun", "status 3: line 999\n", "line 0\n", "begun\n", "only this\n"})
    EXPECT_NE(log().find(part), std::string::npos) << part;
}

TEST_F(CommandTest, WhatHangsIsEndedAndSaysHowFarItCame) {
  Outcome outcome = run("echo far; sleep 50", 2.1);
  EXPECT_EQ(outcome.problem, "took longer than 2 s");
  EXPECT_EQ(outcome.output, "far\n");
  EXPECT_NE(log().find("far\n"), std::string::npos);
}

TEST_F(CommandTest, WithoutTimeNothingBegins) {
  EXPECT_EQ(run("touch " + (files / "begun").string(), 1).problem, "not run: the time was over");
  EXPECT_FALSE(std::filesystem::exists(files / "begun"));
}

} // namespace
} // namespace gpucheck
