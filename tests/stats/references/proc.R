# Expected values of AUROCs, DeLong's intervals and DeLong's paired test, from R's pROC.
#
#   Rscript proc.R OUT           writes OUT/proc_simulated.json
#   Rscript proc.R OUT SHARED    writes OUT/proc_chestxray14.json as well
suppressPackageStartupMessages({library(pROC); library(jsonlite)})

arguments <- commandArgs(trailingOnly = TRUE)
out <- arguments[1]

area <- function(labels, scores) {
  curve <- roc(labels, scores, levels = c(0, 1), direction = "<", quiet = TRUE)
  interval <- suppressWarnings(ci.auc(curve, method = "delong", conf.level = 0.95))
  wide <- suppressWarnings(ci.auc(curve, method = "delong", conf.level = 0.99))
  list(auroc = as.numeric(auc(curve)), variance = var(curve, method = "delong"),
       low = interval[1], high = interval[3], low_99 = wide[1], high_99 = wide[3])
}

paired <- function(labels, a, b) {
  first <- roc(labels, a, levels = c(0, 1), direction = "<", quiet = TRUE)
  second <- roc(labels, b, levels = c(0, 1), direction = "<", quiet = TRUE)
  test <- roc.test(first, second, method = "delong", paired = TRUE)
  list(z = as.numeric(test$statistic), p = test$p.value, covariance = cov(first, second, method = "delong"))
}

case <- function(labels, a, b) list(a = area(labels, a), b = area(labels, b), paired = paired(labels, a, b))

save <- function(values, name) {
  write_json(values, file.path(out, name), auto_unbox = TRUE, digits = I(17), pretty = TRUE)
}

set.seed(20240607)
simulated <- list()
for (rounding in c(1, 2, 6)) {
  n <- 80
  labels <- rbinom(n, 1, 0.3)
  common <- rnorm(n)
  a <- round(common + 1.2 * labels + rnorm(n, sd = 0.7), rounding)
  b <- round(common + 0.8 * labels + rnorm(n, sd = 0.7), rounding)
  simulated[[length(simulated) + 1]] <- c(
    list(rounding = rounding, labels = labels, scores_a = a, scores_b = b), case(labels, a, b))
}
save(simulated, "proc_simulated.json")

if (length(arguments) > 1) {
  shared <- arguments[2]
  read <- function(...) read.csv(gzfile(file.path(shared, ...)), check.names = FALSE)
  truth <- read("chestxray14", "Data_Entry_2017_v2020.csv.gz")
  zech <- read("predictions", "densenet121_zech.csv.gz")
  lr033 <- read("predictions", "densenet121_lr033.csv.gz")
  lr033 <- lr033[match(zech[["Image Index"]], lr033[["Image Index"]]), ]
  carried <- strsplit(truth[["Finding Labels"]][match(zech[["Image Index"]], truth[["Image Index"]])], "|", fixed = TRUE)
  real <- list()
  for (column in names(zech)[-1]) {
    finding <- sub("prob_", "", column)
    labels <- vapply(carried, function(names) as.numeric(finding %in% names), 0)
    real[[finding]] <- case(labels, zech[[column]], lr033[[column]])
  }
  save(real, "proc_chestxray14.json")
}
