// A step holds the next token of every text that is under way and, in the rows that are left, tokens of prompts
// that are still to be read: texts begin and end at different steps.
#include "mlora/Runtime/Inference/TextGenerator.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <memory>
#include <optional>

namespace mlora {

int64_t cacheRowsFor(int64_t promptTokens, const GenerationOptions &options, int64_t count) {
  return (promptTokens + options.maxNewTokens) * count;
}

/// One prompt on its way: its place in the cache and its text so far.
class TextGenerator::Sequence {
public:
  Sequence(const Tokenizer &tokenizer, const std::vector<int32_t> &prompt, const GenerationOptions &options,
           int64_t number, int64_t firstRow)
      : number(number), tokenizer(tokenizer), options(options), ids(prompt),
        decodedFrom(prompt.size() - std::min(prompt.size(), mostBefore)), firstRow(firstRow),
        before(tokenizer.decode(std::span(prompt).subspan(decodedFrom))), sampler(seeded(options, number)) {}

  /// The tokens that are to run next, at most `rows`; reads the last logits once the prompt is through.
  Piece next(int64_t rows) const {
    Piece piece;
    piece.tokens = std::span(ids).subspan(done, std::min(ids.size() - done, size_t(rows)));
    piece.position = int32_t(done);
    piece.at = int32_t(firstRow + int64_t(done));
    piece.start = int32_t(firstRow);
    if (done + piece.tokens.size() == ids.size())
      piece.read = {int32_t(piece.tokens.size()) - 1};
    return piece;
  }
  void ran(const Piece &piece) { done += piece.tokens.size(); }

  /// True when the text is complete.
  bool take(std::span<const float> logits) {
    int32_t token = sampler.next(logits, ids);
    if (std::ranges::find(options.stopTokens, token) != options.stopTokens.end()) {
      result.end = GeneratedText::End::StopToken;
      return true;
    }
    ids.push_back(token);
    result.ids.push_back(token);
    updateText();
    return result.end == GeneratedText::End::StopString || int64_t(result.ids.size()) == options.maxNewTokens;
  }

  void show(const Show &show, bool last) {
    size_t end = last ? result.text.size() : shownEnd();
    if (!show || end <= shown)
      return;
    show(size_t(number), result.text.substr(shown, end - shown));
    shown = end;
  }

  const int64_t number;
  GeneratedText result;

private:
  static SamplingOptions seeded(const GenerationOptions &options, int64_t number) {
    SamplingOptions sampling = options.sampling;
    sampling.seed += uint64_t(number);
    return sampling;
  }

  void updateText() {
    // Decoded behind the prompt's end: at the start of a text, SentencePiece drops a space.
    std::string joined = tokenizer.decode(std::span(ids).subspan(decodedFrom));
    result.text = joined.starts_with(before) ? joined.substr(before.size()) : tokenizer.decode(result.ids);
    size_t first = std::string::npos;
    for (const std::string &stop : options.stopStrings)
      first = std::min(first, result.text.find(stop));
    if (first == std::string::npos)
      return;
    result.text.resize(first);
    result.end = GeneratedText::End::StopString;
  }

  /// Before a character that is not whole yet, and before what may become a stop string.
  size_t shownEnd() const {
    size_t end = result.text.size();
    while (result.text.substr(0, end).ends_with("\xEF\xBF\xBD"))
      end -= 3;
    for (const std::string &stop : options.stopStrings)
      for (size_t length = std::min(stop.size(), end); length > 0; --length)
        if (result.text.compare(end - length, length, stop, 0, length) == 0) {
          end -= length;
          break;
        }
    return end;
  }

  /// Tokens of the prompt that each new one is decoded with: a long prompt is not decoded again for each.
  static constexpr size_t mostBefore = 16;

  const Tokenizer &tokenizer;
  const GenerationOptions &options;
  std::vector<int32_t> ids; ///< prompt and text
  const size_t decodedFrom;
  int64_t firstRow;
  size_t done = 0, shown = 0;
  const std::string before;
  Sampler sampler;
};

std::vector<GeneratedText> TextGenerator::run(const std::vector<std::vector<int32_t>> &prompts,
                                              const GenerationOptions &options, const Show &show,
                                              const std::function<void(int64_t, int64_t)> &progress) {
  const Scalars &capacity = program.capacity();
  size_t longest = 0;
  for (const std::vector<int32_t> &prompt : prompts) {
    if (prompt.empty())
      failed("a prompt of no tokens cannot be continued");
    longest = std::max(longest, prompt.size());
  }
  std::vector<GeneratedText> results(prompts.size());
  if (prompts.empty() || options.maxNewTokens <= 0)
    return results;
  int64_t place = int64_t(longest) + options.maxNewTokens;
  size_t places = size_t(std::min({capacity.kvRows / place, capacity.countedRows, capacity.rows}));
  if (places == 0)
    failed("a program with " + std::to_string(capacity.kvRows) + " rows of cache cannot continue " +
           std::to_string(longest) + " tokens by " + std::to_string(options.maxNewTokens));

  Inference inference(program);
  std::vector<std::unique_ptr<Sequence>> active(std::min(places, prompts.size()));
  size_t started = 0;
  int64_t finished = 0, tokens = 0;
  while (finished < int64_t(prompts.size())) {
    for (size_t i = 0; i < active.size(); ++i)
      if (!active[i] && started < prompts.size()) {
        active[i] = std::make_unique<Sequence>(tokenizer, prompts[started], options, int64_t(started),
                                               int64_t(i) * place);
        ++started;
      }
    std::vector<Piece> pieces;
    std::vector<Sequence *> owners;
    int64_t left = capacity.rows, waiting = std::ranges::count_if(active, [](auto &one) { return bool(one); });
    for (auto &sequence : active)
      if (sequence) {
        --waiting; // each of the others gets a row at least
        pieces.push_back(sequence->next(left - waiting));
        owners.push_back(sequence.get());
        left -= int64_t(pieces.back().tokens.size());
      }
    std::span<const float> logits = inference.step(pieces);
    size_t row = 0, read = 0;
    for (const Piece &piece : pieces)
      read += piece.read.size();
    size_t vocab = read > 0 ? logits.size() / read : 0;
    for (size_t i = 0; i < pieces.size(); ++i) {
      Sequence &sequence = *owners[i];
      sequence.ran(pieces[i]);
      if (pieces[i].read.empty())
        continue;
      bool isComplete = sequence.take(logits.subspan(row++ * vocab, vocab));
      ++tokens;
      sequence.show(show, isComplete);
      if (!isComplete)
        continue;
      results[size_t(sequence.number)] = std::move(sequence.result);
      ++finished;
      std::ranges::find(active, &sequence, &std::unique_ptr<Sequence>::get)->reset();
    }
    if (progress)
      progress(tokens, finished);
  }
  return results;
}

} // namespace mlora
