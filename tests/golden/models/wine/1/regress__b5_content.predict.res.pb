
)
outputs*hÿ,C'CÆšCáB–<C	regress