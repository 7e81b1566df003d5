// Which tokens run, and which are scored. Tokens are bytes here, but "ab" is one (unit/data/Support.h).
#include "mlora/Runtime/Eval/QuestionRuns.h"

#include "../Expect.h"
#include "../data/Support.h"

namespace mlora::test {
namespace {

class QuestionRunsTest : public testing::Test {
protected:
  /// The text of a run and, for each read, what stands before it and the token that is scored.
  std::string textOf(const std::vector<int32_t> &ids) const {
    return tokenizer.decode(ids, false);
  }
  std::vector<std::string> readsOf(const TokenRun &run) const {
    std::vector<std::string> reads;
    for (const TokenRead &read : run.reads)
      reads.push_back(textOf({run.ids.begin(), run.ids.begin() + read.position + 1}) + "|" +
                      textOf({read.target}));
    return reads;
  }
  static Question ask(const std::string &prompt, const std::vector<std::string> &answers) {
    return Question{.prompt = prompt, .answers = answers};
  }

  ByteTokenizer tokenizer;
};

using Texts = std::vector<std::string>;

TEST_F(QuestionRunsTest, AnswersOfOneTokenShareThePrompt) {
  QuestionRuns runs(tokenizer, 0);
  std::vector<AnswerPlace> places = runs.add(ask("Q?", {"Y", "N"}), "row 1");
  ASSERT_EQ(runs.runs().size(), 1u);
  EXPECT_EQ(textOf(runs.runs()[0].ids), "Q?");
  EXPECT_EQ(readsOf(runs.runs()[0]), (Texts{"Q?|Y", "Q?|N"}));
  EXPECT_EQ(places[1].firstSlot, 1);
  EXPECT_EQ(places[1].tokens, 1);
}

TEST_F(QuestionRunsTest, OfSeveralTokensTheLastIsOnlyPredicted) {
  QuestionRuns runs(tokenizer, 0);
  std::vector<AnswerPlace> places = runs.add(ask("Q?", {"yes", "no"}), "row 1");
  ASSERT_EQ(runs.runs().size(), 2u);
  EXPECT_EQ(readsOf(runs.runs()[0]), (Texts{"Q?|y", "Q?y|e", "Q?ye|s"}));
  EXPECT_EQ(readsOf(runs.runs()[1]), (Texts{"Q?|n", "Q?n|o"}));
  EXPECT_EQ(places[0].tokens, 3);
  EXPECT_EQ(places[1].firstSlot, 3);
  EXPECT_EQ(runs.slots(), 5);
}

TEST_F(QuestionRunsTest, ATokenAcrossTheBoundaryIsTheAnswers) {
  QuestionRuns runs(tokenizer, 0);
  runs.add(ask("xa", {"b", "c"}), "row 1");
  // "ab" is one token: it replaces the prompt's "a". Before "c" the prompt is as it is alone.
  ASSERT_EQ(runs.runs().size(), 2u);
  EXPECT_EQ(readsOf(runs.runs()[0]), (Texts{"x|ab"}));
  EXPECT_EQ(readsOf(runs.runs()[1]), (Texts{"xa|c"}));
}

TEST_F(QuestionRunsTest, LongPromptsAreCutOnTheLeftBehindBos) {
  tokenizer.beginsWithBos = true;
  QuestionRuns runs(tokenizer, 5);
  runs.add(ask("123456", {"Y", "NO"}), "row 1");
  // <s>, three of the prompt and the first token of "NO" are five; both answers have the same prompt.
  EXPECT_EQ(runs.cut(), 1);
  EXPECT_EQ(readsOf(runs.runs()[0]), (Texts{"<s>456|Y"}));
  EXPECT_EQ(readsOf(runs.runs()[1]), (Texts{"<s>456|N", "<s>456N|O"}));
}

TEST_F(QuestionRunsTest, APromptOfTheWholeContextIsNotCut) {
  QuestionRuns runs(tokenizer, 4);
  runs.add(ask("1234", {"Y", "N"}), "row 1");
  EXPECT_EQ(runs.cut(), 0);
  runs.add(ask("12345", {"Y", "N"}), "row 2");
  EXPECT_EQ(runs.cut(), 1);
  EXPECT_EQ(textOf(runs.runs()[1].ids), "2345");
}

TEST_F(QuestionRunsTest, WhatCannotBeScoredIsRefused) {
  QuestionRuns runs(tokenizer, 3);
  EXPECT_REFUSED(runs.add(ask("Q?", {""}), "boolq, question 7"), "boolq, question 7", "no token of its own");
  EXPECT_REFUSED(runs.add(ask("", {"Y"}), "row 2"), "row 2", "an empty prompt");
  EXPECT_REFUSED(runs.add(ask("Q?", {"longer than that"}), "row 3"), "row 3", "does not fit into a context of 3");
}

TEST_F(QuestionRunsTest, TextsAreScoredInWindows) {
  QuestionRuns runs(tokenizer, 3);
  std::vector<AnswerPlace> places = runs.addText("1234567");
  ASSERT_EQ(runs.runs().size(), 2u);
  EXPECT_EQ(readsOf(runs.runs()[0]), (Texts{"1|2", "12|3", "123|4"}));
  EXPECT_EQ(readsOf(runs.runs()[1]), (Texts{"4|5", "45|6", "456|7"}));
  EXPECT_EQ(places.size(), 2u);
}

TEST_F(QuestionRunsTest, WithBosTheFirstTokenOfATextIsScored) {
  tokenizer.beginsWithBos = true;
  QuestionRuns runs(tokenizer, 0);
  runs.addText("12");
  EXPECT_EQ(readsOf(runs.runs()[0]), (Texts{"<s>|1", "<s>1|2"}));
}

TEST_F(QuestionRunsTest, PromptsOfGenerationAreCutToTheirRoom) {
  bool cut = false;
  EXPECT_EQ(textOf(promptTokens(tokenizer, "12345", 3, cut)), "345");
  EXPECT_TRUE(cut);
  EXPECT_EQ(textOf(promptTokens(tokenizer, "123", 3, cut)), "123");
  EXPECT_FALSE(cut);
}

} // namespace
} // namespace mlora::test
