"""The 19 common corruptions of Hendrycks & Dietterich (ICLR 2019), batched and keyed. One file a mechanism."""
