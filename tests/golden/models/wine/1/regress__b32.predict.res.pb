
—
outputs‹ *€{÷SC©9`CWÜžB"ÓBÄ¢BåxCü<Cxw´B´žÊBE¬BxºB%pëB}7èB¤æ%CØbCV`Bˆ1,C®¿[B6lCÿÁC¯C£°ÎBñ©CššCf C>>ÈB±K C-CŽ*3B·šCpCw><C	regress