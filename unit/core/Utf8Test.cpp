#include "mlora/Runtime/Core/Utf8.h"

#include <gtest/gtest.h>

using namespace mlora;

// What Python 3.11's str.upper gives.
TEST(Utf8, UpperCaseIsPythons) {
  EXPECT_EQ(upperCase("abc é 1"), "ABC É 1");
  EXPECT_EQ(upperCase("straße ŉ ǰ"), "STRASSE \u02bcN J\u030c");
  EXPECT_EQ(upperCase("ﬃ ﬆ ΐ"), "FFI ST \u0399\u0308\u0301");
  EXPECT_EQ(upperCase("ᾳ և ﬗ"), "ΑΙ \u0535\u0552 \u0544\u053d");
  EXPECT_EQ(upperCase("a\xff\xc3z"), "A\xff\xc3Z");
  EXPECT_EQ(upperCase(""), "");
}

TEST(Utf8, FirstCharacterSize) {
  EXPECT_EQ(firstCharacterSize(""), 0u);
  EXPECT_EQ(firstCharacterSize("ab"), 1u);
  EXPECT_EQ(firstCharacterSize("éb"), 2u);
  EXPECT_EQ(firstCharacterSize("🙂"), 4u);
  EXPECT_EQ(firstCharacterSize("\xff\xc3"), 1u);
}
