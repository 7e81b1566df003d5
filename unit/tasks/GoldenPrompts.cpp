// Prompts, byte for byte, of the rows that ../shared/data/goldens/eval scored: its script (anchors/tasks.py)
// writes the templates down a second time.
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Tasks/Dataset.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace mlora {
namespace {

const std::filesystem::path data = std::filesystem::path(MLORA_SHARED) / "data";

struct Golden {
  const char *file, *path, *task, *split;
  int64_t rows; ///< of the whole split
};

class GoldenPrompts : public testing::TestWithParam<Golden> {};

TEST_P(GoldenPrompts, AreOurs) {
  const Golden &golden = GetParam();
  if (!std::filesystem::exists(data))
    GTEST_SKIP() << data << " is not here";
  nlohmann::json expected = readJsonFile(data / "goldens/eval" / golden.file);
  // Most paths are given without a task: the rows' keys tell.
  Questions questions =
      readQuestions({.path = data / golden.path, .task = golden.task, .split = golden.split});
  EXPECT_EQ(int64_t(questions.list.size()), golden.rows);
  const nlohmann::json &rows = expected["rows"];
  ASSERT_GE(questions.list.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Question &question = questions.list[i];
    EXPECT_EQ(question.prompt, rows[i]["prompt"].get<std::string>()) << "row " << i;
    if (question.answers.empty()) {
      EXPECT_EQ(question.goldText, rows[i]["gold"].get<std::string>());
      EXPECT_EQ(questions.task->extract(question.row["answer"].get<std::string>()), question.goldText);
      continue;
    }
    EXPECT_EQ(nlohmann::json(question.answers), expected["answers"]);
    EXPECT_EQ(question.answers[size_t(question.gold)], rows[i]["gold"].get<std::string>()) << "row " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, GoldenPrompts,
                         testing::Values(Golden{"boolq.json", "superglue/BoolQ", "", "val", 3270},
                                         Golden{"multirc.json", "superglue/MultiRC", "", "val", 4848},
                                         Golden{"rte.json", "superglue/RTE", "", "val", 277},
                                         Golden{"wic.json", "superglue/WiC", "wic", "", 638},
                                         Golden{"gsm8k.json", "gsm8k", "", "test", 1319},
                                         Golden{"mmlu_abstract_algebra.json",
                                                "mmlu/test/abstract_algebra_test.csv", "mmlu", "", 100},
                                         Golden{"mmlu_world_religions.json",
                                                "mmlu/test/world_religions_test.csv", "mmlu", "", 171}),
                         [](const auto &info) {
                           std::string name = info.param.file;
                           return name.substr(0, name.find('.'));
                         });

TEST(Mmlu, FolderOfSubjectsAndQlorasPrompts) {
  if (!std::filesystem::exists(data))
    GTEST_SKIP() << data << " is not here";
  Questions test = readQuestions({.path = data / "mmlu", .task = "mmlu"});
  EXPECT_EQ(test.list.size(), 14042u);
  EXPECT_EQ(test.shots, 5);
  std::set<std::string> subjects;
  for (const Question &question : test.list)
    subjects.insert(question.group);
  EXPECT_EQ(subjects.size(), 57u);
  // `limit` takes evenly of all subjects.
  EXPECT_EQ(readQuestions({.path = data / "mmlu", .task = "mmlu", .limit = 114}).list[1].group,
            "abstract_algebra");
  // QLoRA's JSON holds finished prompts: what training reads of it is what it holds.
  std::filesystem::path qlora = data / "mmlu/qlora_zero_shot_mmlu_val.json";
  Dataset rows({.path = qlora}, Purpose::Training);
  ASSERT_EQ(rows.rows(), 1531);
  for (int64_t i = 0; i < rows.rows(); ++i) {
    DatasetRow row = rows.row(i);
    ASSERT_EQ(row.task->name, "mmlu");
    Example example = row.task->example(RowFields(row.json, row.where));
    ASSERT_EQ(example.prompt, row.json["input"].get<std::string>());
    ASSERT_EQ(example.completion, " " + row.json["output"].get<std::string>());
  }
}

TEST(Dataset, EveryPublicFileIsReadWhole) {
  if (!std::filesystem::exists(data))
    GTEST_SKIP() << data << " is not here";
  struct {
    const char *path, *task;
    int64_t rows;
  } files[] = {{"superglue/MultiRC/train.jsonl", "multirc", 27243},
               {"superglue/RTE/train.jsonl", "rte", 2490},
               {"superglue/WiC/train.jsonl", "wic", 5428},
               {"superglue/BoolQ/fewglue_train32.jsonl", "boolq", 32},
               {"superglue/MultiRC/fewglue_train32.jsonl", "", 0},
               {"superglue/RTE/fewglue_train32.jsonl", "rte", 32},
               {"superglue/WiC/fewglue_train32.jsonl", "wic", 32},
               {"alpaca/alpagasus_random_9k.json", "alpaca", 9229},
               {"alpaca/torchtune_alpaca_tiny.json", "alpaca", 100},
               {"gsm8k/train.jsonl", "gsm8k", 7473}};
  for (const auto &file : files) {
    Dataset rows({.path = data / file.path}, Purpose::Training);
    if (file.rows) {
      EXPECT_EQ(rows.rows(), file.rows) << file.path;
    }
    for (int64_t i = 0; i < rows.rows(); ++i) {
      DatasetRow row = rows.row(i);
      if (*file.task) {
        ASSERT_EQ(row.task->name, file.task) << row.where;
      }
      Example example = row.task->example(RowFields(row.json, row.where));
      ASSERT_FALSE(example.prompt.empty()) << row.where;
      if (row.task->name != "alpaca") { // of its rows, a few answer nothing
        ASSERT_FALSE(example.completion.empty()) << row.where;
      }
    }
  }
}

} // namespace
} // namespace mlora
