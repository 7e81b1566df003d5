#include "ScoreMerges.h"

#include "Utf8.h"

#include <algorithm>
#include <unordered_set>

namespace mlora::tokenization {

std::vector<std::pair<std::string, std::string>> mergesOfScores(const GgufVocabulary &vocabulary) {
  struct Cut {
    size_t id, at;
  };
  // Control, byte and user-defined tokens never come from merging.
  auto mergeable = [&](size_t id) { return vocabulary.types[id] == GgufTokenType::Normal; };
  std::unordered_set<std::string_view> pieces;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (mergeable(id))
      pieces.insert(vocabulary.tokens[id]);

  std::vector<Cut> cuts;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    std::string_view piece = vocabulary.tokens[id];
    if (!mergeable(id) || piece.empty())
      continue;
    size_t at = 0;
    for (nextCodepoint(piece, at); at < piece.size(); nextCodepoint(piece, at))
      if (pieces.contains(piece.substr(0, at)) && pieces.contains(piece.substr(at)))
        cuts.push_back({id, at});
  }
  // Of one piece the cut with the longer left part first: in a run of equal characters SentencePiece goes
  // from the left, where the longer part then is.
  std::sort(cuts.begin(), cuts.end(), [&](const Cut &a, const Cut &b) {
    double left = vocabulary.scores[a.id], right = vocabulary.scores[b.id];
    return left != right ? left > right : a.id != b.id ? a.id < b.id : a.at > b.at;
  });
  std::vector<std::pair<std::string, std::string>> merges;
  merges.reserve(cuts.size());
  for (Cut cut : cuts)
    merges.emplace_back(vocabulary.tokens[cut.id].substr(0, cut.at),
                        vocabulary.tokens[cut.id].substr(cut.at));
  return merges;
}

} // namespace mlora::tokenization
