// The folder's passes go beside this file.
