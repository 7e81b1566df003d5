// The op table's rows, of what a process a group prints, and of how it ends.
#include "Fixture.h"

namespace gpucheck {
namespace {

struct OpTable : GpuCheck {
  Json rowOf(const std::string &script) {
    files.file("work/optable/sm_90a/rope.json", "{}");
    program("mlora-op-table", script);
    opTable(run, OpTableFor::Values);
    const Json &table = report["op_table"];
    EXPECT_EQ(table["problem"], "");
    EXPECT_EQ(table["groups"].size(), 1u);
    return table["groups"][0];
  }
};

/// Lines of a run that ends well.
std::string over(int run) {
  std::string number = std::to_string(run);
  return "echo '{\"run\": " + number + ", \"case\": \"case " + number +
         "\"}'; echo '{\"of_bound\": 0." + number + ", \"problem\": \"\", \"microseconds\": {\"k\": " + number + "}}'\n";
}
std::string begun(int run) {
  return "echo '{\"run\": " + std::to_string(run) + ", \"case\": \"case " + std::to_string(run) + "\"}'\n";
}

TEST_F(OpTable, IsTheWorstOfItsRuns) {
  Json row = rowOf(over(1) + over(3) + over(2));
  EXPECT_EQ(row["group"], "rope");
  EXPECT_EQ(row["runs"], 3);
  EXPECT_EQ(row["failed"], 0);
  EXPECT_EQ(row["worst_of_bound"], 0.3);
  EXPECT_EQ(row["slowest"], "k");
  EXPECT_EQ(row["slowest_microseconds"], 3);
}

TEST_F(OpTable, GoesOnBehindWhatEndsAProcess) {
  // By an error, by a signal, and at the end well.
  Json row = rowOf("[ $3 = 0 ] && {\n" + over(0) + begun(1) + "echo 'CUDA: behind k' >&2; exit 1; }\n" +
                   "[ $3 = 2 ] && {\n" + begun(2) + "kill -SEGV $$; }\n" +
                   "[ $3 = 3 ] || exit 7\n" + over(3));
  EXPECT_EQ(row["runs"], 4);
  EXPECT_EQ(row["failed"], 2);
  EXPECT_EQ(row["worst_of_bound"], 0.3);
  ASSERT_EQ(row["failures"].size(), 2u);
  EXPECT_EQ(row["failures"][0], "case 1: status 1: CUDA: behind k");
  EXPECT_NE(row["failures"][1].get<std::string>().find("case 2: ended by signal Segmentation fault"), std::string::npos);
  EXPECT_FALSE(row.contains("problem"));
}

TEST_F(OpTable, ThatCannotBeLoadedIsAProblemOfItsGroup) {
  Json row = rowOf("echo 'the driver does not take it' >&2; exit 1");
  EXPECT_EQ(row["problem"], "status 1: the driver does not take it");
  EXPECT_EQ(row["runs"], 0);
  report["machine"]["chip"] = "sm_80";
  opTable(run, OpTableFor::Times);
  EXPECT_EQ(report["op_times"]["problem"], "the folder holds no op table for sm_80");
}

TEST_F(OpTable, TimesComeFromOneProcessAtATime) {
  for (const char *name : {"a", "b", "c"})
    files.file("work/optable/sm_90a/" + std::string(name) + ".json", "{}");
  program("mlora-op-table", "mkdir $1/one || exit 5\n[ $4 = --times ] || exit 6\n" + over(1) + "rmdir $1/one");
  opTable(run, OpTableFor::Times);
  ASSERT_EQ(report["op_times"]["groups"].size(), 3u);
  for (const Json &group : report["op_times"]["groups"])
    EXPECT_FALSE(group.contains("problem")) << group;
  EXPECT_EQ(saved, 3);
}

TEST_F(OpTable, WrongValuesAreNamed) {
  Json row = rowOf(begun(0) + "echo '{\"of_bound\": null, \"problem\": \"%y is off by inf; \"}'");
  EXPECT_EQ(row["failed"], 1);
  EXPECT_EQ(row["failures"][0], "case 0: %y is off by inf; ");
}

} // namespace
} // namespace gpucheck
