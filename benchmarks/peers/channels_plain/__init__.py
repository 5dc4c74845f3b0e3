"""A chat as the tutorials of Channels write it: daphne, a layer, a row by the ORM before each send to the group."""
