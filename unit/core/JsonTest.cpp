#include "mlora/Runtime/Core/Json.h"
#include "../Expect.h"

using namespace mlora;

TEST(Json, ParsesWhatNlohmannParses) {
  for (const char *text : {"{}", "[]", "null", "\"a\\u00e9\\n\"", "[1,-2,3.5,1e300,true,false,null]",
                           " {\"a\":[{\"b\":{}},[[]]]} \n", "{\"a\":{\"b\":1,\"c\":[1,{\"a\":2}]},\"b\":2}",
                           "18446744073709551615", "\xEF\xBB\xBF{\"a\":1}"})
    EXPECT_EQ(parseJson(text, "x"), nlohmann::json::parse(text)) << text;
}

TEST(Json, NamesFileAndLine) {
  EXPECT_REFUSED(parseJson("{\"a\": 1,\n\"b\": }", "f.json"), "f.json:2: not valid JSON");
  EXPECT_REFUSED(parseJson("{\"a\": }", "rows.jsonl", 41), "rows.jsonl:41:");
  EXPECT_REFUSED(parseJson("{\"a\": 1,\n\n\"a\": 2}", "f.json"), "f.json:3:", "\"a\" is there twice");
  EXPECT_REFUSED(parseJson("{} x", "f"), "f:1:");
  EXPECT_REFUSED(parseJson("", "f"), "f:1:");
  EXPECT_REFUSED(parseJson("\"\xff\"", "f"), "f:1:");
  EXPECT_REFUSED(parseJson(std::string(100000, '['), "f"), "deeper than");
}

TEST(Json, RowsKeepTheOrderOfTheirKeys) {
  RowJson row = parseRow(R"({"z": {"b": 1, "a": [{"d": 2, "c": 3}]}, "y": null})", "f");
  EXPECT_EQ(row.dump(), R"({"z":{"b":1,"a":[{"d":2,"c":3}]},"y":null})");
  EXPECT_REFUSED(parseRow("{\"b\": 1,\n\"a\": 1, \"b\": 2}", "f.jsonl", 7), "f.jsonl:8:", "\"b\" is there twice");
  std::string many = "{\"\": 0";
  for (int i = 1; i < 10000; ++i)
    many += ",\"" + std::to_string(i) + "\":0";
  EXPECT_EQ(parseRow(many + "}", "f").size(), 10000u);
  EXPECT_REFUSED(parseRow(many + ",\"more\":0}", "f"), "more than 10000 keys");
}

TEST(Json, Fields) {
  auto json = parseJson(R"({"i": 3, "n": 1.5, "s": "x", "l": ["a"], "z": null, "b": true, "o": {"k": 1},
                            "big": 18446744073709551615})",
                        "f");
  JsonFields fields(json, "f");
  EXPECT_EQ(fields.integer("i"), 3);
  EXPECT_EQ(fields.number("i"), 3.0);
  EXPECT_EQ(fields.strings("l"), std::vector<std::string>{"a"});
  EXPECT_EQ(fields.optionalInteger("z"), std::nullopt);
  EXPECT_EQ(fields.optionalBoolean("b"), true);
  EXPECT_EQ(fields.object("o").integer("k"), 1);
  EXPECT_REFUSED(fields.integer("n"), "f: key \"n\": an integer is expected, found 1.5");
  EXPECT_REFUSED(fields.integer("big"), "an integer");
  EXPECT_REFUSED(fields.string("none"), "\"none\": is missing");
  EXPECT_REFUSED(fields.object("o").integer("x"), "f: o: key \"x\"");
  EXPECT_REFUSED(JsonFields(json["l"], "f"), "an object is expected, found array");
}
