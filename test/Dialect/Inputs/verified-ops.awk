# The ops of TableGen files that have a verifier: all but those that say `hasVerifier = 0`.
/^def MLora_[A-Za-z]*Op / { split($0, quoted, "\""); op = quoted[2]; verified[op] = 1 }
/hasVerifier = 0/ { delete verified[op] }
END { for (op in verified) print "mlora." op }
