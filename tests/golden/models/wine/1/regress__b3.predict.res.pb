
!
outputs*QPCáÕCXòbB	regress