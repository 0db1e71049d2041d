"""The catalogue: which patients, studies, series and images there are, by what is known of them."""
