"""An upgrade from a data folder that an earlier commit made (`make`), kept beside this file as it was made."""
