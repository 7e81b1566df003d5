// What becomes of the scores of tokens, and of what has none.
#include "mlora/Runtime/Eval/Evaluation.h"

#include "../Expect.h"
#include "../data/Support.h"

namespace mlora::test {
namespace {

TEST(Outcome, AccIsByTokenAndAccNormByCharacter) {
  // "naïve so" has eight characters in nine bytes.
  Question question{.prompt = "Q?", .answers = {"no", "naïve so"}, .gold = 1};
  std::vector<AnswerPlace> places = {{2, 1}, {0, 2}}; // slots of the second answer come first
  std::vector<TokenScore> tokens(3);
  tokens[0] = {.logProb = -1.5, .logit = 3, .isGreedy = true};
  tokens[1] = {.logProb = -0.9, .logit = 4, .isGreedy = false};
  tokens[2] = {.logProb = -1.0, .logit = 5, .isGreedy = true};
  Outcome outcome = outcomeOf(question, places, tokens);
  ASSERT_EQ(outcome.sums.size(), 2u);
  EXPECT_NEAR(outcome.sums[0], -1.0, 1e-6);
  EXPECT_NEAR(outcome.sums[1], -2.4, 1e-6);
  EXPECT_NEAR(outcome.means[0], -1.0, 1e-6);
  EXPECT_NEAR(outcome.means[1], -1.2, 1e-6);
  EXPECT_EQ(outcome.logits, (std::vector<float>{5, 3}));
  EXPECT_EQ(outcome.greedy, (std::vector<bool>{true, false}));
  EXPECT_EQ(outcome.tokens, 3);
  // -1 > -1.2 a token, and -1 / 2 < -2.4 / 8 a character.
  EXPECT_EQ(outcome.predicted, 0);
  EXPECT_FALSE(outcome.correct);
  EXPECT_TRUE(outcome.correctByLength);
  question.gold = 0;
  outcome = outcomeOf(question, places, tokens);
  EXPECT_TRUE(outcome.correct);
  EXPECT_FALSE(outcome.correctByLength);
}

TEST(Outcome, CountsCharactersNotBytes) {
  // -0.5 a character against -0.4: by bytes "éé" would win.
  Question question{.prompt = "Q?", .answers = {"éé", "ab"}, .gold = 1};
  std::vector<TokenScore> tokens = {{.logProb = -1.0}, {.logProb = -0.8}};
  EXPECT_TRUE(outcomeOf(question, {{0, 1}, {1, 1}}, tokens).correctByLength);
}

class NothingToScore : public DataTest {};

TEST_F(NothingToScore, IsRefused) {
  auto open = [&](const std::string &name, const std::string &text) {
    DatasetSpec spec{.path = write(name, text), .task = "text"};
    Evaluation(std::span(&spec, 1), tokenizer, {});
  };
  EXPECT_REFUSED(open("empty.txt", ""), "empty.txt", "nothing to score", "task text", "two tokens");
  EXPECT_REFUSED(open("one.txt", "1"), "one.txt", "nothing to score");
  EXPECT_REFUSED(open("rows.jsonl", "{\"text\": \"\"}\n"), "rows.jsonl", "nothing to score");
  EXPECT_REFUSED(open("none.jsonl", ""), "none.jsonl", "the dataset is empty");
  EXPECT_NO_THROW(open("two.txt", "12"));
  tokenizer.beginsWithBos = true;
  EXPECT_REFUSED(open("empty.txt", ""), "one token");
  EXPECT_NO_THROW(open("one.txt", "1"));
}

} // namespace
} // namespace mlora::test
