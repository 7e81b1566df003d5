// Regular expressions: what is rewritten for PCRE2, what is refused, what they match.
#include "../../runtime/tokenizer/Oniguruma.h"
#include "../../runtime/tokenizer/Regex.h"
#include "../Expect.h"

using namespace mlora;
using namespace mlora::tokenization;

TEST(Oniguruma, rewritesWhatPcreReadsDifferently) {
  EXPECT_EQ(pcreOfOniguruma(R"(\s+(?!\S)|[^\s\p{Lu}])", ""),
            R"(\p{White_Space}+(?!\P{White_Space})|[^\p{White_Space}\p{Lu}])");
  EXPECT_EQ(pcreOfOniguruma(R"(\p{Han}|\p{^Greek}|\P{Lu})", ""), R"(\p{sc:Han}|\p{^sc:Greek}|\P{Lu})");
  EXPECT_EQ(pcreOfOniguruma(R"(\u00e9\x{41}\v)", ""), R"(\x{00e9}\x{41}\x{B})");
  EXPECT_EQ(pcreOfOniguruma(R"((?i:'s)|a++\p{Nd}{1,3})", ""), R"((?i:'s)|a++\p{Nd}{1,3})");
}

// U+13D78 is a letter and U+1CCF0 a number since Unicode 16.
TEST(Oniguruma, lettersAndNumbersAreThoseOfANewerUnicode) {
  for (const char *pattern : {R"(\p{L}\p{N})", R"([\p{L}][\p{N}])", R"(\P{^L}[\P{^N}])"})
    EXPECT_EQ(Regex(pcreOfOniguruma(pattern, ""), "").matches("\U00013D78\U0001CCF0"),
              (std::vector<Range>{{0, 8}}))
        << pattern;
  for (const char *pattern : {R"([^\s\p{L}\p{N}])", R"(\P{L}\P{N})", R"(\p{^L}[^\p{L}])"})
    EXPECT_TRUE(Regex(pcreOfOniguruma(pattern, ""), "").matches("\U00013D78\U0001CCF0").empty()) << pattern;
}

TEST(Oniguruma, refusesWhatIsNotTheSame) {
  for (const char *pattern : {R"(\bword)",      R"(\h)",     R"((a)\1)",  R"([a-z&&[aeiou]])",
                              R"([[:alpha:]])", R"(a(?i)b)", R"((?m:.))", R"(a{,3})",
                              R"(a{2}+)",       R"([\W])",   R"([]a])",   R"(\xC3)",
                              R"(\pL)",         R"(\u12)",   "[a",        "a\\",
                              R"((?<name>a))",  R"(\p{L)",   R"(\G)",     R"(\K)"})
    EXPECT_REFUSED(pcreOfOniguruma(pattern, "here"), "here", "not supported");
}

TEST(Regex, malformedOnesAreErrors) {
  EXPECT_REFUSED(Regex("a(b", "file: pattern"), "file: pattern", "a(b");
  EXPECT_REFUSED(Regex("\\p{Klingon}", "here"), "here");
}

TEST(Regex, findsMatchesFromLeftToRight) {
  EXPECT_EQ(Regex("a+", "").matches("baab a"), (std::vector<Range>{{1, 3}, {5, 6}}));
  EXPECT_EQ(Regex("x*", "").matches("axb"), (std::vector<Range>{{0, 0}, {1, 2}, {3, 3}}));
  EXPECT_EQ(Regex("x*", "").matches("é"), (std::vector<Range>{{0, 0}, {2, 2}}));
  EXPECT_TRUE(Regex("a", "").matches("").empty());
}

TEST(Regex, exponentialOnesGiveUp) {
  EXPECT_REFUSED(Regex("(a|aa)+$", "here").matches(std::string(200, 'a') + "b"), "here", "gave up");
}
