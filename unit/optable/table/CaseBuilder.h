// Words to write cases with.
#pragma once

#include "Case.h"

namespace optable {

using Table = std::vector<Case>;

// How values are made.
Fill uniform(double from, double to);
inline Fill uniform() { return uniform(-1, 1); }
Fill below(int64_t end);           ///< indices
Fill targets(int64_t vocabulary);  ///< indices, some of them -100: ignored
Fill countedRows();                ///< as many different rows as count, ascending
Fill documentStarts();             ///< of each row, in rows of keys
Fill positions(int64_t first = 0); ///< of each row in its document
Fill cacheRows();                  ///< behind the `past` rows of a cache
Fill documentsInCache();           ///< where documents of some of those rows begin
Fill prefixStarts();               ///< parts of the rows before, which each of those rows sees
Fill prefixEnds();
/// Rows as texts of a cache have them, many at once: rows from 32 on in every 64 see the same half of the cache
/// as their prefix, the others a part of it of their own, or none; documents of 1 to 19 rows lie anywhere in the
/// other half. `past` is 60 at least.
Fill textStarts();
Fill textRows();
Fill textPrefixStarts();
Fill textPrefixEnds();
Fill these(std::vector<double> values);

// Values of a function.
inline Argument real(std::string name, Shape shape, Fill fill = uniform()) { return {name, shape, fill}; }
inline Argument index(std::string name, Shape shape, Fill fill) { return {name, shape, fill}; }
inline Result result(std::string name, Shape shape) { return {name, shape}; }
inline Result gradient(std::string name, Shape shape) { return {name, shape, Result::Gradient}; }
inline Result inner(std::string name, Shape shape) { return {name, shape, Result::Inner}; }
inline Result inPlace(std::string name, Shape shape, std::string of) {
  return {name, shape, Result::Value, of};
}

// Executions.
std::vector<Execution> once(); ///< nothing depends on a scalar
std::vector<Execution>
tokenRows();                     ///< rows that do and do not fill blocks; counted_rows as many, fewer or none
std::vector<Execution> sums();   ///< the same, overwriting gradients and adding to them
std::vector<Execution> packed(); ///< one document and several
std::vector<Execution> generation(); ///< behind no, few and many cached rows
std::vector<Execution> texts();      ///< few and many, in a cache that is filled

/// A case of `body`, where `$x` stands for the type of %x.
Case makeCase(std::string group, std::string name, std::vector<Argument> arguments, const std::string &body,
              std::vector<Result> results, std::vector<Execution> runs = tokenRows());

// The table's parts.
void addRowCases(Table &table);
void addAdapterCases(Table &table);
void addAttentionCases(Table &table);
void addHeadCases(Table &table);
void addSumCases(Table &table);
void addParameterCases(Table &table);
void addRopeCases(Table &table);
void addChainCases(Table &table);
void addProductCases(Table &table);
void addBF16Variants(Table &table); ///< of the others: the last part

} // namespace optable
