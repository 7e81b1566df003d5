// Forms in which rows are published, and what is wrong with them.
#include "../Expect.h"
#include "../TempFolder.h"
#include "mlora/Runtime/Tasks/Dataset.h"

#include <set>

namespace mlora {
namespace {

class Reading : public testing::Test {
protected:
  /// The only row of a file as training reads it: prompt, `|`, completion.
  std::string example(const std::string &name, const std::string &content,
                      const std::string &task = "") const {
    Dataset rows({.path = folder.file(name, content), .task = task}, Purpose::Training);
    EXPECT_EQ(rows.rows(), 1);
    DatasetRow row = rows.row(0);
    Example text = row.task->example(RowFields(row.json, row.where));
    return text.prompt + "|" + text.completion;
  }
  std::string example(const std::string &row) const { return example("row.jsonl", row); }

  test::TempFolder folder;
};

const std::string header = "The following are multiple choice questions (with answers) about  a b.\n\n";

TEST_F(Reading, EveryTaskHasANameASentenceAndWorkToDo) {
  std::set<std::string_view> names;
  for (const Task *task : tasks()) {
    EXPECT_TRUE(names.insert(task->name).second) << task->name;
    EXPECT_FALSE(task->doc.empty()) << task->name;
    EXPECT_FALSE(task->forms.empty()) << task->name;
    EXPECT_EQ(taskNamed(task->name), task);
    EXPECT_EQ(task->score == Score::None, task->question == nullptr) << task->name;
    EXPECT_EQ(task->shotSplit.empty(), task->preamble == nullptr) << task->name;
  }
  for (const char *name : {"alpaca", "mmlu", "gsm8k", "boolq", "multirc", "rte", "wic", "chat", "completion",
                           "text", "tokenised"})
    EXPECT_TRUE(names.count(name)) << name;
}

TEST_F(Reading, RowsAreOfOneTaskAtMost) {
  for (const char *row :
       {R"({"instruction": "i", "input": "", "output": "o", "text": "all of it"})",
        R"({"prompt": "p", "completion": "c"})", R"({"question": "q", "answer": "a #### 1"})",
        R"({"question": "q", "passage": "p", "label": true})",
        R"({"passage": {"text": "t", "questions": []}})",
        R"({"premise": "p", "hypothesis": "h", "label": 0})",
        R"({"word": "w", "sentence1": "s", "sentence2": "s", "label": true})", R"({"text": "t"})",
        R"({"paragraph": "p", "question": "q", "answer": "a", "label": 1})", R"({"messages": []})",
        R"({"question": "q", "choices": [], "answer": 1, "subject": "s"})",
        R"({"subject": "s", "input": "i", "output": "A"})", R"({"conversations": []})",
        R"({"input_ids": [1]})"}) {
    int count = 0;
    for (const Task *task : tasks())
      count += task->recognises(nlohmann::json::parse(row));
    EXPECT_EQ(count, 1) << row;
  }
}

TEST_F(Reading, MmluWithAndWithoutAHeader) {
  const std::string expected = header + "Q, \"quoted\"\nline?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:| C";
  const std::string row = "\"Q, \"\"quoted\"\"\nline?\",1,2,3,4,";
  EXPECT_EQ(example("a_b_val.csv", row + "C\n", "mmlu"), expected);
  EXPECT_EQ(example("val/a_b_val.csv",
                    "\xef\xbb\xbfquestion,choice0,choice1,choice2,choice3,answer\r\n" + row + "2\r\n",
                    "mmlu"),
            expected);
  EXPECT_EQ(example(R"({"question": "Q?", "choices": ["1", "2", "3", "4"], "answer": 1, "subject": "a_b"})"),
            header + "Q?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:| B");
}

TEST_F(Reading, TheSubjectOfACsvIsThatOfItsName) {
  const std::string row = "q,1,2,3,4,A\n";
  // Where the folder says the split, the whole name is the subject, as it is when the folder is read.
  for (const char *name : {"a_b_test.csv", "test/a_b.csv", "auxiliary_train/a_b.csv", "x/a_b_dev.csv"}) {
    Dataset rows({.path = folder.file(name, row), .task = "mmlu"}, Purpose::Evaluation);
    EXPECT_EQ(rows.row(0).json["subject"], "a_b") << name;
  }
  for (const char *name : {"foo.csv", "a_b.csv", "_test.csv"})
    EXPECT_REFUSED(example(name, row, "mmlu"), name, "<subject>_<split>.csv", "abstract_algebra_test.csv");
}

TEST_F(Reading, MmluShotsComeFromDevAndAreNeverTrained) {
  std::string shots;
  for (int i = 0; i < 5; ++i)
    shots += "s" + std::to_string(i) + ",1,2,3,4,D\n";
  folder.file("dev/a_b_dev.csv", shots);
  folder.file("test/a_b_test.csv", "q,1,2,3,4,A\n");
  DatasetSpec spec{.path = folder.path(), .task = "mmlu"};
  auto shown = [](const std::string &question, const std::string &letter) {
    return question + "\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:" + letter;
  };
  Questions questions = readQuestions(spec);
  std::string prompt = header;
  for (int i = 0; i < 5; ++i)
    prompt += shown("s" + std::to_string(i), " D\n\n");
  EXPECT_EQ(questions.list.at(0).prompt, prompt + shown("q", ""));
  spec.shots = 0;
  EXPECT_EQ(readQuestions(spec).list.at(0).prompt, header + shown("q", ""));
  spec.shots = 6;
  EXPECT_REFUSED(readQuestions(spec), "6 worked examples", "`dev` has 5", "num_fewshot");
  spec.shots = -1;
  spec.split = "dev";
  EXPECT_REFUSED(readQuestions(spec), "a_b_dev.csv", "worked examples", "another split", "num_fewshot: 0");
  EXPECT_REFUSED(readQuestions({.path = folder / "dev/a_b_dev.csv", .task = "mmlu"}),
                 "behind their own answers");
  spec.shots = 0;
  EXPECT_EQ(readQuestions(spec).list.at(0).prompt, header + shown("s0", ""));
  EXPECT_REFUSED(Dataset(spec, Purpose::Training), "worked examples", "never trained on", "another split");
  EXPECT_REFUSED(Dataset({.path = folder / "dev/a_b_dev.csv", .task = "mmlu"}, Purpose::Training),
                 "never trained on");
  // By the folder's name, by the file's, and where the rows tell the task.
  folder.file("mm/dev/a_b.csv", shots);
  EXPECT_REFUSED(Dataset({.path = folder / "mm/dev/a_b.csv", .task = "mmlu"}, Purpose::Training),
                 "never trained on");
  std::string row = R"({"question": "q", "choices": ["a", "b", "c", "d"], "answer": 1, "subject": "s"})"
                    "\n";
  folder.file("mm/dev.jsonl", row);
  for (const char *task : {"mmlu", ""})
    EXPECT_REFUSED(Dataset({.path = folder / "mm/dev.jsonl", .task = task}, Purpose::Training),
                   "never trained on");
  folder.file("other/dev.jsonl", "{\"text\": \"of another task\"}\n");
  EXPECT_EQ(Dataset({.path = folder / "other/dev.jsonl"}, Purpose::Training).rows(), 1);
}

TEST_F(Reading, LabelsInTheirPublishedForms) {
  auto wic = [&](const std::string &label) {
    return example("{\"word\": \"w\", \"sentence1\": \"a\", \"sentence2\": \"b\", \"label\": " + label + "}");
  };
  std::string prompt = "Does the word \"w\" have the same meaning in these two sentences? Yes, No?\na\nb\n|";
  EXPECT_EQ(wic("true"), prompt + "Yes");
  EXPECT_EQ(wic("\"false\""), prompt + "No");
  EXPECT_EQ(wic("1"), prompt + "Yes");
  EXPECT_REFUSED(wic("\"maybe\""), "row.jsonl:1", "label", "\"maybe\"", "true or false");
  EXPECT_REFUSED(wic("2"), "unknown label 2");
  EXPECT_EQ(example(R"({"passage": "P.", "question": "is it", "label": false})"), "P. Is it?\n|No");
  EXPECT_EQ(example(R"({"premise": "P.", "hypothesis": "H.", "label": "entailment"})"),
            "P.\nDoes this mean that \"H.\" is true? Yes or No?\n|Yes");
  EXPECT_REFUSED(example(R"({"premise": "P.", "hypothesis": "H.", "label": "neutral"})"), "\"neutral\"",
                 "not_entailment");
}

TEST_F(Reading, MultircIsOneRowAnAnswer) {
  std::string row =
      R"({"passage": {"text": "T.", "questions": [{"question": "Q?", "answers": [{"text": "a", "label": 1},
    {"text": "b", "label": 0}]}, {"question": "R?", "answers": [{"text": "c", "label": 0}]}]}, "idx": 0})";
  row.erase(std::remove(row.begin(), row.end(), '\n'), row.end());
  Dataset rows({.path = folder.file("train.jsonl", row + "\n" + row)}, Purpose::Training);
  ASSERT_EQ(rows.rows(), 6);
  DatasetRow second = rows.row(4);
  Example text = second.task->example(RowFields(second.json, second.where));
  EXPECT_EQ(text.prompt, "T.\nQuestion: Q?\nI found this answer \"b\". Is that correct? Yes or No?\n");
  EXPECT_EQ(text.completion, "No");
  EXPECT_NE(second.where.find("train.jsonl:2"), std::string::npos) << second.where;
  auto labelled = [&](const std::string &label) {
    std::string damaged = row;
    return example(damaged.replace(damaged.find("\"label\": 0"), 10, label));
  };
  EXPECT_REFUSED(labelled("\"label\": 7"), "row.jsonl:1, question 1, answer 2", "unknown label 7");
  EXPECT_REFUSED(labelled("\"n\": 0"), "row.jsonl:1, question 1, answer 2", "\"label\": is missing");
}

TEST_F(Reading, NumbersOfGsm8k) {
  auto extract = taskNamed("gsm8k")->extract;
  EXPECT_EQ(extract("so <<48/2=24>>24.\n#### 1,024\n#### 7"), "1024");
  EXPECT_EQ(extract("#### -3.5 apples"), "-3.5");
  EXPECT_EQ(extract("#### none, #### 5"), "5");
  EXPECT_EQ(extract("24"), std::nullopt);
}

// As Python's question[0].upper().
TEST_F(Reading, BoolqsQuestionBeginsInUpperCase) {
  auto prompt = [&](const std::string &question) {
    return example(R"({"passage": "P.", "question": ")" + question + R"(", "label": true})");
  };
  EXPECT_EQ(prompt("is it"), "P. Is it?\n|Yes");
  EXPECT_EQ(prompt("états là?"), "P. États là?\n|Yes");
  EXPECT_EQ(prompt("ßa"), "P. SSa?\n|Yes");
  EXPECT_EQ(prompt("ǆa"), "P. Ǆa?\n|Yes");
  EXPECT_EQ(prompt("1a"), "P. 1a?\n|Yes");
}

TEST_F(Reading, MissingFieldsAndEmptyPassages) {
  EXPECT_REFUSED(example("r.jsonl", R"({"passage": "P."})", "boolq"), "r.jsonl:1", "\"question\"", "missing",
                 "task boolq expects passage, question, label");
  EXPECT_REFUSED(example(R"({"question": "Q?", "choices": ["1", "2", "3", "4"], "answer": 1})"),
                 "\"subject\"",
                 "task mmlu expects question, choices, answer, subject; or subject, input, output");
  EXPECT_REFUSED(example(R"({"passage": " ", "question": "q", "label": true})"), "row.jsonl:1", "passage",
                 "empty");
  EXPECT_REFUSED(example(R"({"passage": "P.", "question": "q"})"), "label", "missing", "no labels");
  EXPECT_REFUSED(
      example(
          R"({"passage": {"text": "", "questions": [{"question": "q", "answers": [{"text": "a", "label": 1}]}]}})"),
      "text", "empty");
  EXPECT_REFUSED(example(R"({"question": "Q?", "choices": ["1", "2", "3"], "answer": 1, "subject": "s"})"),
                 "choices", "expected four, got 3");
  EXPECT_REFUSED(
      example(R"({"question": "Q?", "choices": ["1", "2", "3", "4"], "answer": "E", "subject": "s"})"),
      "unknown label \"E\"");
  DatasetSpec noNumber{.path = folder.file("q.jsonl", R"({"question": "q", "answer": "five"})")};
  EXPECT_REFUSED(readQuestions(noNumber), "q.jsonl:1", "#### number");
}

TEST_F(Reading, DamagedCsv) {
  auto csv = [&](const std::string &text) { return example("s_val.csv", text, "mmlu"); };
  EXPECT_REFUSED(csv("q,1,2,3,4,A\n\"q,1,2,3,4,A\n"), "s_val.csv:2", "never closed");
  EXPECT_REFUSED(csv("\"q\"x,1,2,3,4,A\n"), "s_val.csv:1", "closing quote");
  EXPECT_REFUSED(csv("q,1,2,3,A\n"), "s_val.csv:1", "5 fields");
  EXPECT_REFUSED(csv("q\n\xff,1,2,3,4,A\n"), "UTF-8");
  EXPECT_REFUSED(example("x.csv", "q,1,2,3,4,A\n"), "CSV", "task");
}

TEST_F(Reading, MixedEncodings) {
  std::string latin = "{\"text\": \"ok\"}\n{\"text\": \"caf\xe9\"}\n";
  Dataset rows({.path = folder.file("l.jsonl", latin)}, Purpose::Training);
  EXPECT_EQ(rows.row(0).json["text"], "ok");
  EXPECT_REFUSED(rows.row(1), "l.jsonl:2", "not UTF-8", "iconv");
}

TEST_F(Reading, PlainTextIsAskedWhole) {
  folder.file("held/b.txt", "second\n");
  folder.file("held/a.txt", "first");
  Questions questions = readQuestions({.path = folder / "held"});
  EXPECT_EQ(questions.task->name, "text");
  ASSERT_EQ(questions.list.size(), 2u);
  EXPECT_EQ(questions.original, 2);
  EXPECT_EQ(questions.list[0].prompt, "first");
  EXPECT_EQ(questions.list[1].prompt, "second\n");
  EXPECT_EQ(readQuestions({.path = folder / "held/b.txt", .task = "text"}).list.at(0).prompt, "second\n");
  EXPECT_EQ(readQuestions({.path = folder / "held", .limit = 1}).list.size(), 1u);
  EXPECT_REFUSED(readQuestions({.path = folder / "held/b.txt", .task = "rte"}), "b.txt", "plain text",
                 "task rte", "`task: text`");
  folder.file("bad/a.txt", "fine");
  folder.file("bad/b.txt", std::string("12\xc3(", 4));
  EXPECT_REFUSED(readQuestions({.path = folder / "bad"}), "b.txt: is not UTF-8 at byte 2");
  int readers = 0;
  for (const Task *task : tasks())
    readers += !task->documentKey.empty();
  EXPECT_EQ(readers, 1);
}

TEST_F(Reading, FoldersWithoutTheirFiles) {
  folder.file("set/README.md", "nothing");
  DatasetSpec spec{.path = folder / "set", .task = "mmlu"};
  EXPECT_REFUSED(Dataset(spec, Purpose::Evaluation), "test/*_test.csv", "README.md", "`split`");
  spec.task = "boolq";
  EXPECT_REFUSED(Dataset(spec, Purpose::Training), "train.jsonl", "task boolq");
  EXPECT_REFUSED(Dataset({.path = folder / "none"}, Purpose::Training), "no such file or folder");
  folder.file("test/a_test.csv", "q,1,2,3,4,A\n");
  EXPECT_REFUSED(readQuestions({.path = folder.path(), .task = "mmlu"}), "`dev`", "num_fewshot: 0");
}

TEST_F(Reading, EvaluationAsksOneTaskThatAsks) {
  EXPECT_REFUSED(readQuestions({.path = folder.file("a.jsonl", R"({"prompt": "p", "completion": "c"})")}),
                 "completion", "asks nothing");
  EXPECT_REFUSED(readQuestions({.path = folder.file("b.jsonl", R"({"text": "p"})"), .shots = 2}),
                 "num_fewshot");
  std::string mixed = "{\"text\": \"p\"}\n{\"question\": \"q\", \"answer\": \"#### 1\"}\n";
  EXPECT_REFUSED(readQuestions({.path = folder.file("c.jsonl", mixed)}), "c.jsonl:2", "gsm8k", "text");
  EXPECT_REFUSED(taskNamedOrFail("bolq", "eval_tasks"), "bolq", "did you mean 'boolq'");
}

} // namespace
} // namespace mlora
