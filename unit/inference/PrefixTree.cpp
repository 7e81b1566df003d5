// What sequences share is one node, every token of every sequence is in a node on its path, every read once.
#include "mlora/Runtime/Inference/PrefixTree.h"

#include "mlora/Runtime/Core/Shuffle.h"

#include <gtest/gtest.h>
#include <map>

using namespace mlora;

namespace {

std::vector<int32_t> counted(int32_t from, int32_t count) {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < count; ++i)
    ids.push_back(from + i);
  return ids;
}

std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t> &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Walks from the roots: calls visit(path of ids, node) for every node.
template <typename Visit>
void walk(const PrefixTree &tree, const std::vector<int64_t> &nodes, const std::vector<int32_t> &above, Visit visit) {
  for (int64_t index : nodes) {
    const PrefixNode &node = tree.nodes()[size_t(index)];
    ASSERT_EQ(node.begin, int32_t(above.size()));
    std::vector<int32_t> path = above;
    path.insert(path.end(), tree.tokens(node).begin(), tree.tokens(node).end());
    visit(path, node);
    walk(tree, node.children, path, visit);
  }
}

/// Each slot is read once, behind the tokens that its run has there.
void expectFaithful(const std::vector<TokenRun> &runs) {
  PrefixTree tree(runs);
  std::map<int64_t, std::vector<int32_t>> found;
  walk(tree, tree.roots(), {}, [&](const std::vector<int32_t> &path, const PrefixNode &node) {
    for (const TokenRead &read : node.reads) {
      ASSERT_GE(read.position, node.begin);
      ASSERT_LT(read.position, node.end);
      std::vector<int32_t> behind(path.begin(), path.begin() + read.position + 1);
      behind.push_back(read.target);
      EXPECT_TRUE(found.emplace(read.slot, behind).second) << "slot " << read.slot << " is read twice";
    }
  });
  size_t reads = 0;
  for (const TokenRun &run : runs)
    for (const TokenRead &read : run.reads) {
      std::vector<int32_t> expected(run.ids.begin(), run.ids.begin() + read.position + 1);
      expected.push_back(read.target);
      EXPECT_EQ(found[read.slot], expected);
      ++reads;
    }
  EXPECT_EQ(found.size(), reads);
}

TEST(PrefixTree, SharesAHeaderOnce) {
  std::vector<int32_t> header = counted(100, 50);
  std::vector<TokenRun> runs = {{joined(header, counted(1, 10)), {{59, 7, 0}}},
                                {joined(header, counted(2, 10)), {{59, 7, 1}}},
                                {joined(header, counted(3, 10)), {{59, 7, 2}}}};
  PrefixTree tree(runs);
  EXPECT_EQ(tree.computedTokens(), 50 + 3 * 10);
  EXPECT_EQ(tree.totalTokens(), 3 * 60);
  ASSERT_EQ(tree.roots().size(), 1u);
  EXPECT_EQ(tree.nodes()[size_t(tree.roots()[0])].children.size(), 3u);
  expectFaithful(runs);
}

TEST(PrefixTree, SharesOnThreeLevels) {
  std::vector<int32_t> passage = counted(1000, 300), first = joined(passage, counted(2000, 20)),
                       second = joined(passage, counted(3000, 20));
  std::vector<TokenRun> runs;
  for (int i = 0; i < 3; ++i) {
    runs.push_back({joined(first, counted(10 * i, 15)), {{334, 1, 2 * i}}});
    runs.push_back({joined(second, counted(10 * i, 15)), {{334, 1, 2 * i + 1}}});
  }
  EXPECT_EQ(PrefixTree(runs).computedTokens(), 300 + 2 * 20 + 6 * 15);
  expectFaithful(runs);
}

TEST(PrefixTree, DoesNotCutForAFewTokens) {
  std::vector<int32_t> words = counted(100, 4);
  std::vector<TokenRun> runs = {{joined(words, counted(1, 40)), {{43, 7, 0}}},
                                {joined(words, counted(2, 40)), {{43, 7, 1}}}};
  PrefixTree tree(runs);
  EXPECT_EQ(tree.roots().size(), 2u);
  EXPECT_EQ(tree.computedTokens(), 88);
}

TEST(PrefixTree, PromptWithAnswersOfSeveralTokens) {
  std::vector<int32_t> prompt = counted(100, 30);
  std::vector<TokenRun> runs = {{joined(prompt, {1, 2}), {{29, 1, 0}, {30, 2, 1}, {31, 3, 2}}},
                                {joined(prompt, {5}), {{29, 5, 3}, {30, 6, 4}}},
                                {prompt, {{29, 9, 5}}}};
  EXPECT_EQ(PrefixTree(runs).computedTokens(), 30 + 2 + 1);
  expectFaithful(runs);
}

TEST(PrefixTree, EqualRunsAreOne) {
  std::vector<TokenRun> runs(4, {counted(5, 20), {}});
  for (int64_t i = 0; i < 4; ++i)
    runs[size_t(i)].reads = {{19, int32_t(i), i}};
  PrefixTree tree(runs);
  EXPECT_EQ(tree.computedTokens(), 20);
  EXPECT_EQ(tree.nodes()[0].reads.size(), 4u);
}

TEST(PrefixTree, RandomSequencesKeepEveryRead) {
  SplitMix64 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<TokenRun> runs;
    int64_t slot = 0;
    for (int i = 0; i < 40; ++i) {
      TokenRun run;
      if (!runs.empty() && random.below(4)) { // goes on from a part of an earlier one
        const std::vector<int32_t> &other = runs[random.below(runs.size())].ids;
        run.ids.assign(other.begin(), other.begin() + ptrdiff_t(random.below(other.size() + 1)));
      }
      for (uint64_t count = random.below(40) + 1; count > 0; --count)
        run.ids.push_back(int32_t(random.below(3)));
      for (size_t p = 0; p < run.ids.size(); ++p)
        if (random.below(3) == 0)
          run.reads.push_back({int32_t(p), int32_t(random.below(9)), slot++});
      runs.push_back(run);
    }
    expectFaithful(runs);
  }
}

TEST(PrefixTree, OfNothing) {
  PrefixTree tree({});
  EXPECT_TRUE(tree.roots().empty());
  EXPECT_EQ(tree.longestPath(), 0);
}

} // namespace
