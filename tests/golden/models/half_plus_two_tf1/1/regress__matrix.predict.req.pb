

half_plus_two_tf1regressÑ
inputsÆB[
Y
H
measurements86
4Ò[w¿¿ƒ@îJì@üKA€E0AZ A5yî@1êAIäí¾Æu6A—è@ó¨As†A

x
Œ|ó¾B[
Y
H
measurements86
4}à/A¦(®@J†ò@ûEAé”’?íhAÛ%[AKå†@I-SAnA~œAè”A±…A

x
ý-€À