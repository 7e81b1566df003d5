# follow-advice.sh FOLDER COMPILE: the request in FOLDER is refused with a number of rows; with so many it must
# compile, with one more it must not. Where no number of rows is said to fit, one row must not.
asked=$(cat "$1/request.json")
with_rows() {
  sed 's,rows": [0-9]*,rows": '"$1"',g' <<< "$asked" > "$2/request.json"
}
message=$($2 2>&1) && { echo "not refused: $asked"; exit 1; }
case $message in
*" to "[0-9]*"; no number of rows fits") rows=0 ;;
*" from 64 to "*) rows=${message##* to } ;;
*) echo "no advice: $message"; exit 1 ;;
esac
if [ "$rows" -gt 0 ]; then
  with_rows "$rows" "$1"
  $2 || { echo "$rows rows do not fit"; exit 1; }
fi
with_rows $((rows + 1)) "$1"
$2 2> "$1/messages" && { echo "$((rows + 1)) rows fit"; exit 1; }
exit 0
