# Expected values of odds ratios and likelihood ratios with log intervals, from R's epiR (epi.tests, epi.2by2).
#
#   Rscript epir.R OUT    writes OUT/epir.json
suppressPackageStartupMessages({library(epiR); library(jsonlite)})

out <- commandArgs(trailingOnly = TRUE)[1]
tables <- list(c(90, 20, 10, 80), c(744, 245, 345, 21099), c(3, 1, 2, 9), c(12, 30, 5, 900))
values <- lapply(tables, function(cells) {
  # rows: called, not called; columns: ill, healthy
  test <- epi.tests(as.table(matrix(cells, nrow = 2, byrow = TRUE)), method = "wilson", conf.level = 0.95)$detail
  pick <- function(name) as.list(setNames(as.numeric(test[test$statistic == name, c("est", "lower", "upper")]),
                                          c("value", "low", "high")))
  list(tp = cells[1], fp = cells[2], fn = cells[3], tn = cells[4],
       dor = pick("diag.or"), lr_positive = pick("lr.pos"), lr_negative = pick("lr.neg"),
       sensitivity = pick("se"), specificity = pick("sp"), ppv = pick("pv.pos"), npv = pick("pv.neg"))
})
write_json(values, file.path(out, "epir.json"), auto_unbox = TRUE, digits = I(17), pretty = TRUE)
