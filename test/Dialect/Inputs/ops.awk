# The ops of TableGen files.
/^def MLora_[A-Za-z]*Op / { split($0, quoted, "\""); print "mlora." quoted[2] }
