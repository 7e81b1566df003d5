// What is wrong with a file is said with the file and the line.
#include "Support.h"

#include "mlora/Runtime/Core/Shuffle.h"

namespace mlora::test {

#define EXPECT_SAYS(message, part) EXPECT_NE((message).find(part), std::string::npos) << (message)

TEST_F(DataTest, NotJsonNamesFileAndLine) {
  std::string lines = write("lines.jsonl", "{\"text\": \"a\"}\n\n{\"text\": oops}\n");
  EXPECT_SAYS(complaint(plain({lines})), lines + ":3:");
  std::string array = write("array.json", "[\n  {\"text\": \"a\"},\n  {\"text\":\n    oops}\n]\n");
  EXPECT_SAYS(complaint(plain({array})), array + ":4:");
}

TEST_F(DataTest, ArraysMustEndAndEndTheFile) {
  std::string open = write("open.json", "[\n{\"text\": \"a, ]\"}\n");
  EXPECT_SAYS(complaint(plain({open})), "never closed");
  EXPECT_SAYS(complaint(plain({write("inString.json", "[{\"text\": \"a\\")})), "never closed");
  std::string more = write("more.json", "[{\"text\": \"a\"}]\n{}");
  EXPECT_SAYS(complaint(plain({more})), more + ":2: not JSON");
  std::string comma = write("comma.json", "[{\"text\": \"abc\"},\n]");
  EXPECT_SAYS(complaint(plain({comma})), comma + ":2:");
}

TEST_F(DataTest, DamagedFilesAreErrorsAndNothingWorse) {
  const std::string texts[] = {
      "[{\"text\": \"a\\\"]b\"},\n {\"prompt\": \"p\", \"completion\": \"c\"}]\n",
      "{\"text\": \"abc\"}\n{\"input_ids\": [1, 2, 3], \"document_ids\": [0, 1, 1]}\n"};
  SplitMix64 random(1);
  int64_t errors = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = texts[round % 2];
    for (uint64_t edits = 1 + random.below(3); edits > 0; --edits)
      switch (size_t at = random.below(text.size()); random.below(3)) {
      case 0:
        text.resize(at + 1);
        break;
      case 1:
        text.erase(at, 1 + random.below(3));
        text += ' ';
        break;
      default:
        text[at] = "[]{}\",\\:\n 0x\xff"[random.below(14)];
      }
    errors += !complaint(plain({write("damaged.json", text)})).empty();
  }
  EXPECT_GT(errors, 1500);
}

TEST_F(DataTest, RowsMustBeObjectsOfATask) {
  std::string file = write("a.jsonl", "{\"text\": \"abc\"}\n7\n");
  EXPECT_SAYS(complaint(plain({file})), file + ":2: expected a row");
  file = write("b.jsonl", "{\"txet\": \"abc\"}\n");
  EXPECT_SAYS(complaint(plain({file})), file + ":1: the row's keys (txet)");
  file = write("c.jsonl", "{\"prompt\": \"abc\", \"completion\": 7}\n");
  EXPECT_SAYS(complaint(plain({file})), file + ":1");
  EXPECT_SAYS(complaint(plain({file})), "completion");
}

TEST_F(DataTest, AGivenTaskIsHeldAgainstTheRows) {
  TrainConfig config = plain({write("a.jsonl", "{\"text\": \"abc\"}\n")});
  config.datasets[0].task = "gsm8k";
  EXPECT_SAYS(complaint(config), "question");
  config.datasets[0].task = "tokenised";
  EXPECT_SAYS(complaint(config), "input_ids");
  config.datasets[0].task = "poetry";
  EXPECT_SAYS(complaint(config), "unknown task 'poetry'");
}

TEST_F(DataTest, ATemplateThatFailsNamesItsRow) {
  std::string good = "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", "
                     "\"content\": \"a\"}]}\n";
  std::string file =
      write("a.jsonl", good + "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}\n");
  EXPECT_SAYS(complaint(plain({file})), "no chat template");
  tokenizer.jinja =
      "{% for m in messages %}\n{% if loop.first and m.role != 'user' %}{{ raise_exception('user first') }}"
      "{% endif %}{{ m.content }}</s>{% endfor %}";
  std::string message = complaint(plain({file}));
  EXPECT_SAYS(message, file + ":2: ");
  EXPECT_SAYS(message, "line 2: the template refuses the messages: user first");
  EXPECT_SAYS(complaint(plain(
                  {write("b.jsonl", good + "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}")})),
              "b.jsonl:2: key \"messages\": no message is the assistant's");
  EXPECT_SAYS(
      complaint(plain({write("c.jsonl", "{\"conversations\": [{\"from\": \"cat\", \"value\": \"q\"}]}")})),
      "unknown speaker 'cat'");
  EXPECT_SAYS(complaint(plain({write("d.jsonl", "{\"messages\": [7]}")})),
              "d.jsonl:1, message 1: an object is expected, found number");
  // Before the template is asked, whose own message knows no numbers.
  std::string silent =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\"}]}\n";
  EXPECT_SAYS(complaint(plain({write("e.jsonl", good + silent)})),
              "e.jsonl:2: message 2: has no \"content\"");
}

TEST_F(DataTest, EmptyDatasets) {
  std::string empty = write("empty.jsonl", "\n \n");
  EXPECT_SAYS(complaint(plain({empty})), empty + ": the dataset is empty");
  EXPECT_SAYS(complaint(plain({write("empty.json", " [ ] ")})), "the dataset is empty");
  TrainConfig config = plain({write("a.jsonl", "{\"text\": \"abc\"}\n")});
  config.datasets[0].limit = 0;
  EXPECT_SAYS(complaint(config), "the dataset is empty");
  EXPECT_SAYS(complaint(plain({})), "the list is empty");
  EXPECT_SAYS(complaint(plain({folder / "absent.jsonl"})), "no such file");
}

TEST_F(DataTest, TokenisedRowsAreChecked) {
  auto says = [&](const std::string &row, const std::string &part, int64_t vocabSize = 0) {
    EXPECT_SAYS(complaint(plain({write("ids.jsonl", row)}), vocabSize), part);
  };
  says(R"({"input_ids": "1 2"})", "list of whole numbers");
  says(R"({"input_ids": [1, 2.5]})", "list of whole numbers");
  says(R"({"input_ids": [1, 3000000000]})", "list of whole numbers");
  says(R"({"input_ids": [1, 2], "labels": [1]})", "labels 1");
  says(R"({"input_ids": [1, 2, 3], "document_ids": [0, 1, 0]})", "two pieces");
  says(R"({"input_ids": [1, -2]})", "token -2");
  says(R"({"input_ids": [1, 2], "labels": [1, -1]})", "label -1");
  says(R"({"input_ids": [1, 512]})", "outside the model's vocabulary of 512", 512);
  says(R"({"input_ids": [1, 2], "attention_mask": [1, 0]})", "padded");
  says(R"({"input_ids": [1, 2], "position_ids": [1, 2]})", "position_ids");
}

TEST_F(DataTest, TokenizerBeyondTheModel) {
  EXPECT_SAYS(complaint(plain({write("a.jsonl", "{\"text\": \"abc\"}\n")}), 100), "do not match");
}

TEST_F(DataTest, TooLongRowsAreCutCountedAndReported) {
  TrainConfig config = plain({write("a.jsonl", "{\"prompt\": \"12345\", \"completion\": \"678\"}\n"
                                               "{\"prompt\": \"1\", \"completion\": \"2\"}\n"
                                               "{\"prompt\": \"123456789\", \"completion\": \"0\"}\n")});
  config.maxLength = 6;
  BatchStream data = stream(config);
  EXPECT_EQ(data.report().truncated, 2);
  EXPECT_EQ(data.report().dropped, 1); // nothing of its completion is left
  EXPECT_EQ(data.report().longestRow, 11);
  EXPECT_EQ(data.report().sequences, 2);
  EXPECT_EQ(trained(data.step(0)[0]), "6"); // no EOS where the end was cut off
  ASSERT_EQ(data.report().notes().size(), 2u);
  EXPECT_SAYS(data.report().notes()[0], "2 of 3 rows are longer than max_length=6");
}

TEST_F(DataTest, RowsThatTeachNothingAreAnErrorWhenNoOthersAre) {
  TrainConfig config = plain({write("a.jsonl", "{\"prompt\": \"123456789\", \"completion\": \"0\"}\n")});
  config.maxLength = 6;
  EXPECT_SAYS(complaint(config), "none of the 1 rows has a label");
}

TEST_F(DataTest, ATokenizerWithoutEosIsReported) {
  tokenizer.hasEos = false;
  TrainConfig config = plain({write("a.jsonl", "{\"text\": \"abc\"}\n")});
  EXPECT_TRUE(stream(config).report().lacksEos);
  EXPECT_EQ(stream(config).report().notes().size(), 1u);
}

} // namespace mlora::test
