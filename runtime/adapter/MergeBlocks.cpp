#include "MergeBlocks.h"

#include "RotaryRows.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"

#include <algorithm>
#include <cblas.h>
#include <cstring>

namespace mlora {

MergeBlocks::MergeBlocks(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                         const MergeOptions &options, const MergePlan &plan, const std::filesystem::path &out)
    : base(base), adapters(adapters), options(options), plan(plan) {
  for (const StoredFile &file : base.storedFiles())
    inputs.emplace(file.path, StreamFile::input(file.path));
  for (const PlannedFile &file : plan.files) {
    outputs.push_back(StreamFile::output(out / file.name, file.bytes));
    outputs.back().write(0, file.head.data(), file.head.size());
  }
}

std::shared_ptr<MergeJob> MergeBlocks::makeJob(size_t fileIndex, const PlannedTensor &tensor) const {
  auto job = std::make_shared<MergeJob>();
  job->file = &plan.files[fileIndex];
  job->tensor = &tensor;
  job->fileIndex = fileIndex;
  int64_t rows = tensor.rows;
  if (!tensor.format) {
    job->blockRows = int64_t(4) << 20;
    rows = int64_t(tensor.bytes);
  } else {
    job->blockRows = std::max<int64_t>(1, options.blockValues / tensor.columns);
    // Whole heads where rows change places; whole blocks of any type in a vector.
    int64_t unit = tensor.columns == 1                             ? 256
                   : tensor.neighbours != tensor.source.neighbours ? base.config().headDim
                                                                   : 1;
    job->blockRows = (job->blockRows + unit - 1) / unit * unit;
  }
  job->blocks = std::max<int64_t>(1, (rows + job->blockRows - 1) / job->blockRows);
  job->left = job->blocks;
  job->sums.resize(static_cast<size_t>(job->blocks));
  return job;
}

uint64_t MergeBlocks::run(MergeJob &job, int64_t block, MergeBuffers &buffers) const {
  if (!job.tensor->format)
    return copy(job, block, buffers);
  const PlannedTensor &tensor = *job.tensor;
  int64_t first = block * job.blockRows, rows = std::min(job.blockRows, tensor.rows - first);
  int64_t columns = tensor.columns, count = rows * columns;
  readWeight(tensor, first, rows, buffers);
  StorePiece piece;
  piece.weight = buffers.weight.data();
  piece.count = count;
  if (job.updated()) {
    std::call_once(job.loaded, [&] { job.factors = factorsOf(tensor); });
    buffers.update.resize(static_cast<size_t>(count));
    int rank = static_cast<int>(job.factors.rank), width = static_cast<int>(columns);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(rows), width, rank, 1,
                job.factors.b.data() + first * rank, rank, job.factors.a.data(), width, 0,
                buffers.update.data(), width);
    piece.update = buffers.update.data();
    piece.stochastic = options.stochastic;
    piece.key = static_cast<uint32_t>(hash64(tensor.source.name, options.seed));
    piece.first = first * columns;
  }
  const char *stored = storeName(*tensor.format);
  buffers.out.resize(storedSize(stored, count));
  piece.out = buffers.out.data();
  bool overflow = false;
  job.sums[static_cast<size_t>(block)] = storePiece(*tensor.format, piece, overflow);
  if (overflow)
    badInput("tensor '" + tensor.name + "' holds values that " + stored +
             " cannot store (beyond 65504, or not finite): choose dtype bf16 or f32");
  outputs[job.fileIndex].write(tensor.offset + storedSize(stored, first * columns), buffers.out.data(),
                               buffers.out.size());
  return buffers.out.size();
}

uint64_t MergeBlocks::copy(MergeJob &job, int64_t block, MergeBuffers &buffers) const {
  const PlannedTensor &tensor = *job.tensor;
  uint64_t first = uint64_t(block * job.blockRows),
           size = std::min(uint64_t(job.blockRows), tensor.bytes - first);
  buffers.raw.resize(size);
  if (tensor.source.file.empty())
    std::memcpy(buffers.raw.data(), tensor.literal.data() + first, size);
  else
    inputs.at(tensor.source.file).read(tensor.source.offset + first, buffers.raw.data(), size);
  outputs[job.fileIndex].write(tensor.offset + first, buffers.raw.data(), size);
  return size;
}

/// Into buffers.weight, in the output's order of rows.
void MergeBlocks::readWeight(const PlannedTensor &tensor, int64_t first, int64_t rows,
                             MergeBuffers &buffers) const {
  const std::string &dtype = tensor.source.dtype;
  int64_t columns = tensor.columns, count = rows * columns;
  buffers.raw.resize(storedSize(dtype, count));
  inputs.at(tensor.source.file)
      .read(tensor.source.offset + storedSize(dtype, first * columns), buffers.raw.data(),
            buffers.raw.size());
  bool turns = tensor.neighbours != tensor.source.neighbours;
  std::vector<float> &values = turns ? buffers.turned : buffers.weight;
  values.resize(static_cast<size_t>(count));
  decodeStored(dtype, buffers.raw.data(), count, values.data());
  if (!turns)
    return;
  buffers.weight.resize(values.size());
  int64_t size = base.config().headDim;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t from = tensor.neighbours ? halvesRow(row, size) : neighboursRow(row, size);
    std::copy_n(values.data() + from * columns, columns, buffers.weight.data() + row * columns);
  }
}

/// All adapters' as one, b in the output's order of rows.
LowRank MergeBlocks::factorsOf(const PlannedTensor &tensor) const {
  LowRank sum;
  std::vector<LowRank> parts;
  for (const AdapterSource *adapter : adapters)
    if (adapter->rank(tensor.layer, tensor.target)) {
      parts.push_back(adapter->factors(tensor.layer, tensor.target));
      sum.rank += parts.back().rank;
    }
  if (parts.size() == 1 && !tensor.neighbours)
    return std::move(parts.front());
  sum.b.resize(static_cast<size_t>(tensor.rows * sum.rank));
  int64_t begin = 0, size = base.config().headDim;
  for (const LowRank &part : parts) {
    sum.a.insert(sum.a.end(), part.a.begin(), part.a.end());
    for (int64_t row = 0; row < tensor.rows; ++row) {
      int64_t from = tensor.neighbours ? halvesRow(row, size) : row;
      std::copy_n(part.b.data() + from * part.rank, part.rank, sum.b.data() + row * sum.rank + begin);
    }
    begin += part.rank;
  }
  return sum;
}

} // namespace mlora
