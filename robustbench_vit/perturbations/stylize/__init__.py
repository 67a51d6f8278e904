"""Stylizing: the shape of one picture in the texture of another, by filter-bank statistics or by AdaIN."""
