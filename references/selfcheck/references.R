# The values that R and its packages give for the statistics of overread, on the cohort that `overread selfcheck` reads.
#
#   Rscript references.R DATA    reads DATA/cohort.csv, writes DATA/references_r.json
#
# Each line below is both the recipe, which is kept as text, and what is evaluated. Functions at the top restate a
# published formula in base R, with loops, where no package has it; they share no code with overread.
suppressPackageStartupMessages({library(pROC); library(epiR); library(rms); library(survey); library(jsonlite)})

data <- commandArgs(trailingOnly = TRUE)[1]
cohort <- read.csv(file.path(data, "cohort.csv"))
attach(cohort, warn.conflicts = FALSE)
called_a <- a >= 0.3
called_b <- b >= 0.3

curve <- function(labels, scores) roc(labels, scores, levels = c(0, 1), direction = "<", quiet = TRUE)
clustered <- function(frame) svydesign(ids = ~patient, weights = ~1, data = cbind(frame, patient = patient))
tests <- function(called, ill) {  # rows: called, not called; columns: ill, healthy
  counts <- c(sum(called & ill), sum(called & !ill), sum(!called & ill), sum(!called & !ill))
  epi.tests(as.table(matrix(counts, nrow = 2, byrow = TRUE)), method = "wilson", conf.level = 0.95)$detail
}
detail <- function(name) {
  found <- tests(called_a, ill == 1)
  as.numeric(found[found$statistic == name, c("est", "lower", "upper")])
}

# Obuchowski (1997), Biometrics 53:567-578: the covariance of two AUROCs with patients as clusters.
obuchowski <- function(labels, one, two, cluster) {
  place <- function(scores) {
    ill <- which(labels == 1); healthy <- which(labels == 0)
    v <- rep(NA, length(labels))
    for (i in ill) v[i] <- mean((scores[i] > scores[healthy]) + (scores[i] == scores[healthy]) / 2)
    for (j in healthy) v[j] <- mean((scores[ill] > scores[j]) + (scores[ill] == scores[j]) / 2)
    v
  }
  v <- place(one); w <- place(two)
  m <- sum(labels == 1); n <- sum(labels == 0)
  s10 <- 0; s01 <- 0; s11 <- 0; k10 <- 0; k01 <- 0; k <- 0
  for (each in unique(cluster)) {
    mine <- cluster == each
    x <- mine & labels == 1; y <- mine & labels == 0
    of <- function(values, rows) sum(values[rows] - mean(values[labels == labels[which(rows)[1]]]))
    v10 <- if (any(x)) of(v, x) else 0; w10 <- if (any(x)) of(w, x) else 0
    v01 <- if (any(y)) of(v, y) else 0; w01 <- if (any(y)) of(w, y) else 0
    s10 <- s10 + v10 * w10; s01 <- s01 + v01 * w01; s11 <- s11 + v10 * w01 + v01 * w10
    k10 <- k10 + any(x); k01 <- k01 + any(y); k <- k + 1
  }
  k10 / ((k10 - 1) * m) * s10 / m + k01 / ((k01 - 1) * n) * s01 / n + k / (k - 1) * s11 / (m * n)
}
apart <- function(labels, one, two, cluster) {
  obuchowski(labels, one, one, cluster) + obuchowski(labels, two, two, cluster) - 2 * obuchowski(labels, one, two, cluster)
}

# The share of ill images by a restricted cubic spline of the logit of the score, knots at quantiles; a line without.
smooth_at <- c(0.02, 0.1, 0.3, 0.6, 0.9)
spline <- function(labels, scores, quantiles) {
  x <- qlogis(scores)
  columns <- function(at) if (length(quantiles)) rcspline.eval(at, quantile(x, quantiles), inclx = TRUE) else cbind(at)
  fit <- glm(labels ~ columns(x), family = binomial, control = glm.control(epsilon = 1e-15, maxit = 100))
  function(at) as.numeric(plogis(cbind(1, columns(qlogis(at))) %*% coef(fit)))
}
few <- function(n, quantiles) {
  kept <- c(which(ill == 1)[1:n], which(ill == 0))
  spline(ill[kept], a[kept], quantiles)(smooth_at)
}

# Fieller (1954): the ratios r that a z test of numerator - r denominator = 0 does not reject, found by root search.
fieller <- function(x, y, vx, vy, cxy, level = 0.95) {
  z <- qnorm(0.5 + level / 2)
  distance <- function(r) (x - r * y)^2 - z^2 * (vx - 2 * r * cxy + r^2 * vy)
  at <- x / y
  c(uniroot(distance, c(at - 1e3 * abs(at), at), tol = 1e-13)$root, uniroot(distance, c(at, at + 1e3 * abs(at)), tol = 1e-13)$root)
}

# Obuchowski and Rockette (1995), with Hillis's (2007) degrees of freedom, for the runs of one recipe.
recipe <- function(values, covariance, level = 0.95) {
  j <- length(values); shared <- mean(covariance[upper.tri(covariance)])
  variance <- var(values) / j + shared
  freedom <- variance^2 / ((var(values) / j)^2 / (j - 1))
  half <- qt(0.5 + level / 2, freedom) * sqrt(variance)
  c(mean(values), mean(values) - half, mean(values) + half, freedom)
}
recipes <- function(one, two, covariance) {  # Welch's degrees of freedom; the covariance of what both owe to the patients
  j <- length(one); k <- length(two); first <- seq_len(j); second <- j + seq_len(k)
  c1 <- mean(covariance[first, first][upper.tri(diag(j))]); c2 <- mean(covariance[second, second][upper.tri(diag(k))])
  variance <- var(one) / j + var(two) / k + c1 + c2 - 2 * mean(covariance[first, second])
  freedom <- variance^2 / ((var(one) / j)^2 / (j - 1) + (var(two) / k)^2 / (k - 1))
  difference <- mean(one) - mean(two)
  half <- qt(0.975, freedom) * sqrt(variance)
  c(difference, difference - half, difference + half, freedom, 2 * pt(-abs(difference) / sqrt(variance), freedom))
}
runs <- c(0.80, 0.83, 0.81, 0.84); others <- c(0.77, 0.74, 0.80)
spread <- matrix(2e-5, 7, 7) + diag(7) * 3e-5

# Janes and Pepe (2009): AUROCs within strata, weighted by their ill images; van Klaveren et al. (2014): by their pairs.
within <- sapply(0:2, function(s) as.numeric(auc(curve(ill[stratum == s], a[stratum == s]))))
sick <- sapply(0:2, function(s) sum(ill[stratum == s] == 1)); well <- sapply(0:2, function(s) sum(ill[stratum == s] == 0))
between <- function(from, to) {  # ill images of one stratum against healthy ones of another
  x <- a[ill == 1 & stratum == from]; y <- a[ill == 0 & stratum == to]
  mean(outer(x, y, ">") + outer(x, y, "==") / 2)
}
share <- c(0.2, 0.5, 0.3)  # of the strata in another clinic
weight <- (share / table(stratum))[as.character(stratum)]

# The same within patients: marked against unmarked positives of one patient, each patient counted once.
placed <- sapply(a, function(x) mean((x > a[ill == 0]) + (x == a[ill == 0]) / 2))
kinds <- Filter(function(p) length(unique(mark[ill == 1 & patient == p])) == 2, unique(patient[ill == 1]))
marked <- mean(sapply(kinds, function(p) mean(placed[ill == 1 & patient == p & mark == 1])))
unmarked <- mean(sapply(kinds, function(p) mean(placed[ill == 1 & patient == p & mark == 0])))
matched_variance <- function() {
  k <- length(kinds); d <- marked - unmarked
  total <- 0
  for (p in unique(patient)) {
    own <- 0; against <- 0
    if (p %in% kinds) own <- (mean(placed[ill == 1 & patient == p & mark == 1]) - mean(placed[ill == 1 & patient == p & mark == 0]) - d) / k
    for (row in which(ill == 0 & patient == p)) {
      over <- function(rows) mean((a[rows] > a[row]) + (a[rows] == a[row]) / 2)
      h <- mean(sapply(kinds, function(q) over(ill == 1 & patient == q & mark == 1) - over(ill == 1 & patient == q & mark == 0)))
      against <- against + (h - d) / sum(ill == 0)
    }
    total <- total + (own * sqrt(k / (k - 1)) + against)^2
  }
  total
}

# Newcombe (1998), Stat Med 17:2635-2650, method 10: Wilson's intervals of both shares, joined with their correlation.
newcombe <- function(e, f, g, h) {
  n <- e + f + g + h
  wilson <- function(k) as.numeric(epi.conf(cbind(k, n), ctype = "prevalence", method = "wilson")[c(1, 3, 4)])
  one <- wilson(e + f); two <- wilson(e + g)
  product <- e * h - f * g
  if (product > 0) product <- max(product - n / 2, 0)
  phi <- product / sqrt((e + f) * (g + h) * (e + g) * (f + h))
  joined <- function(x, y) sqrt(x^2 - 2 * phi * x * y + y^2)
  (f - g) / n + c(0, -joined(one[1] - one[2], two[3] - two[1]), joined(one[3] - one[1], two[1] - two[2]))
}

bins <- function(values) tabulate(findInterval(values, seq(0.105, 0.905, 0.1)) + 1, 10)
likelihood <- function(p) {
  f1 <- bins(a[ill == 1]) / sum(ill); f0 <- bins(a[ill == 0]) / sum(ill == 0)
  m <- bins(there); mixed <- p * f1 + (1 - p) * f0
  sum(m[mixed > 0] * log(mixed[mixed > 0]))
}
rogan <- function(q, a, b) as.numeric(epi.prev(q * 1e6, 1e6, se = a, sp = b, method = "c-p", units = 1)$tp[["est"]])

votes <- (ill == 1) + called_a + called_b  # of three readers
pairs_apart <- sum(votes * (3 - votes)) / (3 * length(votes))

results <- list()
versions <- list(R = paste(R.version$major, R.version$minor, sep = "."))
for (package in c("pROC", "epiR", "rms", "survey")) versions[[package]] <- as.character(packageVersion(package))
check <- function(name, software, code) {
  # survey and loops name their values; the check is of numbers in order
  values <- as.numeric(eval(parse(text = code), globalenv()))
  stopifnot(length(values) > 0, !any(is.na(values)))
  results[[length(results) + 1]] <<- list(
    name = name, values = I(values), software = software, version = versions[[software]], code = code)
}

check("auroc", "pROC", "c(auc(curve(ill, a)), auc(curve(ill, b)))")
check("auroc_delong", "pROC", "ci.auc(curve(ill, a), method = 'delong', conf.level = 0.95)")
check("auroc_delong_90", "pROC", "ci.auc(curve(ill, b), method = 'delong', conf.level = 0.90)")
check("placements", "R", "sapply(which(ill == 1)[1:5], function(i) mean((a[i] > a[ill == 0]) + (a[i] == a[ill == 0]) / 2))")
check("auroc_obuchowski", "R", "as.numeric(auc(curve(ill, a))) + c(0, -1, 1) * qnorm(0.975) * sqrt(obuchowski(ill, a, a, patient))")
check("auroc_obuchowski_one_image_each", "pROC", "ci.auc(curve(ill, a), method = 'delong', conf.level = 0.95)")
check("difference_delong", "pROC", "with(roc.test(curve(ill, a), curve(ill, b), method = 'delong', paired = TRUE), c(estimate, statistic, p.value))")
check("difference_delong_interval", "pROC", "with(roc.test(curve(ill, a), curve(ill, b), method = 'delong', paired = TRUE), diff(rev(estimate)) * (1 + c(-1, 1) * qnorm(0.975) / statistic))")
check("difference_obuchowski", "R", "with(list(d = as.numeric(auc(curve(ill, a)) - auc(curve(ill, b))), s = sqrt(apart(ill, a, b, patient))), c(d, d - qnorm(0.975) * s, d + qnorm(0.975) * s, 2 * pnorm(-d / s)))")
check("roc_curve", "pROC", "with(curve(ill, a), c(rev(sensitivities), rev(specificities)))")
check("youden", "R", "with(list(j = sapply(sort(unique(a)), function(t) mean(a[ill == 1] >= t) + mean(a[ill == 0] < t))), min(sort(unique(a))[abs(j - max(j)) < 1e-12]))")
check("threshold_sensitivity", "R", "max(Filter(function(t) mean(a[ill == 1] >= t) >= 0.9, unique(a)))")
check("threshold_specificity", "R", "min(Filter(function(t) mean(a[ill == 0] < t) >= 0.8, unique(a)))")

for (pair in list(c("sensitivity", "se"), c("specificity", "sp"), c("ppv", "pv.pos"), c("npv", "pv.neg"), c("accuracy", "diag.ac"),
                  c("lr_positive", "lr.pos"), c("lr_negative", "lr.neg"), c("dor", "diag.or"))) {
  check(pair[1], "epiR", paste0("detail('", pair[2], "')"))
}
check("dor_empty_cell", "R", "exp(log(20.5 * 30.5 / (0.5 * 10.5)) + c(0, -1, 1) * qnorm(0.975) * sqrt(sum(1 / c(20.5, 0.5, 10.5, 30.5))))")
check("proportion", "epiR", "epi.conf(cbind(45, 50), ctype = 'prevalence', method = 'wilson')[c(1, 3, 4)]")

check("clustered_mean", "survey", "with(list(m = svymean(~a, clustered(data.frame(a = a)))), c(coef(m), SE(m)^2))")
check("share_by_patient", "survey", "with(list(m = svymean(~y, clustered(data.frame(y = as.numeric(called_a))))), as.numeric(epi.conf(cbind(coef(m) * coef(m) * (1 - coef(m)) / SE(m)^2, coef(m) * (1 - coef(m)) / SE(m)^2), ctype = 'prevalence', method = 'wilson')[c(1, 3, 4)]))")
check("proportion_by_patient", "survey", "with(list(m = svymean(~y, clustered(data.frame(y = as.numeric(called_a))), deff = 'replace')), with(list(n = length(a) / max(1, deff(m))), epi.conf(cbind(coef(m) * n, n), ctype = 'prevalence', method = 'wilson')[c(1, 3, 4)]))")
check("share_difference", "survey", "with(list(d = svycontrast(svyby(~y, ~g, clustered(data.frame(y = as.numeric(called_a), g = stratum == 0)), svymean, covmat = TRUE), c(-1, 1))), c(coef(d), coef(d) - qnorm(0.975) * SE(d), coef(d) + qnorm(0.975) * SE(d), 2 * pnorm(-abs(coef(d) / SE(d)))))")
check("observed_to_expected", "survey", "with(list(l = svycontrast(svymean(~x + y + xy, subset(clustered(data.frame(x = as.numeric(ill == 1), y = as.numeric(other == 1), xy = as.numeric(ill == 1 & other == 1), seen = other >= 0)), seen)), quote(log(xy / (x * y))))), exp(c(coef(l), coef(l) - qnorm(0.975) * SE(l), coef(l) + qnorm(0.975) * SE(l))))")
check("rate_differences", "survey", "with(list(s = svyby(~d, ~h, clustered(data.frame(d = called_a - called_b, h = ill == 0)), svymean, covmat = TRUE)), c(coef(s)[1], -coef(s)[2], vcov(s)[1, 1], vcov(s)[2, 2], -vcov(s)[1, 2]))")
check("exchange_rate", "survey", "with(list(s = svyby(~d, ~h, clustered(data.frame(d = called_a - called_b, h = ill == 0)), svymean, covmat = TRUE)), with(list(x = 0.9 * coef(s)[[2]], y = 0.1 * coef(s)[[1]]), c(x / y, fieller(x, y, 0.81 * vcov(s)[2, 2], 0.01 * vcov(s)[1, 1], 0.09 * vcov(s)[1, 2]))))")
check("fieller", "R", "c(2 / 0.7, fieller(2, 0.7, 0.09, 0.01, 0.004))")
check("extra_people", "R", "c(1000 * 0.1 * (mean(called_a[ill == 1]) - mean(called_b[ill == 1])), 1000 * 0.9 * (mean(!called_a[ill == 0]) - mean(!called_b[ill == 0])))")
check("rates_carried", "R", "c(6 * (0.25 / 0.75) * (0.998 / 0.002), 1 / (1 + 9), (1 - 0.2) / 0.2)")
check("decision_curve_bounds", "survey", "as.numeric(sapply(c(0.1, 0.3), function(t) with(list(m = svymean(~g, clustered(data.frame(g = (a >= t) * (ill - (1 - ill) * t / (1 - t)))))), c(coef(m), coef(m) - qnorm(0.975) * SE(m), coef(m) + qnorm(0.975) * SE(m)))))")
check("decision_curve_difference", "survey", "as.numeric(sapply(c(0.1, 0.3), function(t) with(list(m = svymean(~g, clustered(data.frame(g = ((a >= t) - (b >= t)) * (ill - (1 - ill) * t / (1 - t)))))), c(coef(m), coef(m) - qnorm(0.975) * SE(m), coef(m) + qnorm(0.975) * SE(m)))))")
check("decision_curve_at_prevalence", "survey", "as.numeric(sapply(c(0.1, 0.3), function(t) with(list(s = svycontrast(svyby(~y, ~h, clustered(data.frame(y = as.numeric(a >= t), h = ill == 0)), svymean, covmat = TRUE), c(0.05, -0.95 * t / (1 - t)))), c(coef(s), coef(s) - qnorm(0.975) * SE(s), coef(s) + qnorm(0.975) * SE(s)))))")

check("mcnemar_chi_square", "R", "mcnemar.test(table(factor(called_a[ill == 1]), factor(called_b[ill == 1])), correct = FALSE)$p.value")
check("mcnemar_corrected", "R", "mcnemar.test(table(factor(called_a[ill == 1]), factor(called_b[ill == 1])), correct = TRUE)$p.value")
check("mcnemar_exact", "R", "with(list(f = sum(called_a & !called_b & ill == 1), g = sum(!called_a & called_b & ill == 1)), binom.test(f, f + g)$p.value)")
check("newcombe", "R", "newcombe(59, 6, 16, 80)")
check("newcombe_calls", "R", "with(list(x = called_a[ill == 1], y = called_b[ill == 1]), newcombe(sum(x & y), sum(x & !y), sum(!x & y), sum(!x & !y)))")
check("mcnemar_clustered", "survey", "with(list(m = svymean(~d, svydesign(ids = ~p, weights = ~1, data = data.frame(d = (called_a - called_b)[ill == 1], p = patient[ill == 1])))), c(coef(m), coef(m) - qnorm(0.975) * SE(m), coef(m) + qnorm(0.975) * SE(m)))")
check("mcnemar_clustered_p", "R", "with(list(d = tapply((called_a - called_b)[ill == 1], patient[ill == 1], sum)), pchisq(sum(d)^2 / sum(d^2), 1, lower.tail = FALSE))")
check("holm", "R", "p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.2, 0.011), method = 'holm')")
check("equivalence", "R", "c(pnorm(-(0.004 + 0.01) / 0.003), pnorm((0.004 - 0.01) / 0.003), 0.004 - qnorm(0.95) * 0.003, 0.004 + qnorm(0.95) * 0.003)")
check("smallest_detectable_difference", "R", "(qnorm(0.975) + qnorm(0.8)) * 0.005")
check("matched_auroc_difference", "R", "c(marked, unmarked, marked - unmarked, (marked - unmarked) + c(-1, 1) * qnorm(0.975) * sqrt(matched_variance()), 2 * pnorm(-abs(marked - unmarked) / sqrt(matched_variance())))")

check("calibration", "rms", "val.prob(a, ill, pl = FALSE)[c('Intercept', 'Slope', 'Brier')]")
check("calibration_in_the_large", "R", "coef(glm(ill ~ 1, offset = qlogis(a), family = binomial, control = glm.control(epsilon = 1e-14)))")
check("temperature", "R", "coef(glm(ill ~ 0 + qlogis(a), family = binomial, control = glm.control(epsilon = 1e-14)))")
check("platt", "R", "predict(glm(ill ~ qlogis(a), family = binomial, subset = half == 0, control = glm.control(epsilon = 1e-14)), data.frame(a = a[half == 1][1:6]), type = 'response')")
check("reweighted_intercept", "R", "coef(suppressWarnings(glm(ill ~ 1, offset = qlogis(a), weights = weight, family = binomial, control = glm.control(epsilon = 1e-14))))")
check("ece", "R", "with(list(g = findInterval(a, quantile(a, seq(0.1, 0.9, 0.1)), left.open = TRUE)), sum(abs(tapply(ill - a, g, sum))) / length(a))")
check("smooth_calibration", "rms", "with(list(f = spline(ill, a, c(0.05, 0.275, 0.5, 0.725, 0.95))), c(f(smooth_at), mean(abs(f(a) - a)), quantile(abs(f(a) - a), c(0.5, 0.9))))")
check("smooth_calibration_few", "rms", "c(few(45, c(0.05, 0.35, 0.65, 0.95)), few(32, c(0.1, 0.5, 0.9)), few(18, c()))")
check("ece_if_calibrated", "R", "with(list(g = findInterval(a, quantile(a, seq(0.1, 0.9, 0.1)), left.open = TRUE)), sum(sapply(0:9, function(k) with(list(r = (ill - a)[g == k]), sqrt(2 / pi * sum(tapply(r - mean(r), patient[g == k], sum)^2))))) / length(a))")

check("strata_parts", "R", "as.numeric(t(outer(0:2, 0:2, Vectorize(between))))")
check("strata_balanced", "R", "sum(within * sick * well) / sum(sick * well)")
check("strata_adjusted", "R", "sum(within * sick) / sum(sick)")
check("strata_within", "pROC", "sapply(0:2, function(s) auc(curve(ill[stratum == s], a[stratum == s])))")
check("strata_rest", "pROC", "sapply(0:2, function(s) auc(curve(ill[stratum != s], a[stratum != s])))")
check("in_mix", "survey", "with(list(d = svydesign(ids = ~1, weights = as.numeric(weight), data = data.frame(y = as.numeric(ill), called = called_a))), c(coef(svymean(~y, subset(d, called))), 1 - coef(svymean(~y, subset(d, !called)))))")
check("at_prevalence", "R", "with(list(se = mean(called_a[ill == 1]), sp = mean(!called_a[ill == 0])), c(0.05 * se / (0.05 * se + 0.95 * (1 - sp)), 0.95 * sp / (0.95 * sp + 0.05 * (1 - se)), 0.05 * se + 0.95 * (1 - sp), 0.95 * (1 - sp) / (0.05 * se)))")
check("effective_sample_size", "R", "sum(weight)^2 / sum(weight^2)")
check("estimated_prevalence", "R", "optimize(likelihood, c(0, 1), maximum = TRUE, tol = 1e-12)$maximum")

check("true_prevalence", "epiR", "c(rogan(0.17, 0.8, 0.9), rogan(0.3, 0.85, 0.95))")
check("purity", "R", "with(list(p = (0.17 + 0.9 - 1) / 0.7), 0.8 * p / 0.17 + 0.9 * (1 - p) / 0.83 - 1)")
check("seen_counts", "R", "as.numeric(matrix(c(0.8, 0.2, 0.1, 0.9), 2) %*% matrix(c(90, 90, 10, 810), 2))")
check("corrected_counts", "R", "as.numeric(solve(matrix(c(0.8, 0.2, 0.1, 0.9), 2), matrix(c(81, 99, 89, 731), 2)))")
check("corrected_auroc", "R", "0.5 + (0.8 - 0.5) / with(list(p = (0.17 + 0.9 - 1) / 0.7), 0.8 * p / 0.17 + 0.9 * (1 - p) / 0.83 - 1)")

check("observed_agreement", "R", "mean(sapply(votes, function(m) (choose(m, 2) + choose(3 - m, 2)) / choose(3, 2)))")
check("gwet_ac1", "R", "with(list(o = 1 - pairs_apart, e = 2 * mean(votes / 3) * (1 - mean(votes / 3))), (o - e) / (1 - e))")
check("hanley_mcneil", "R", "0.893 + c(0, -1, 1) * qnorm(0.975) * with(list(A = 0.893, m = 51, n = 58), sqrt((A * (1 - A) + (m - 1) * (A / (2 - A) - A^2) + (n - 1) * (2 * A^2 / (1 + A) - A^2)) / (m * n)))")
check("largest_variance", "epiR", "epi.conf(cbind(0.893 * 51, 51), ctype = 'prevalence', method = 'wilson')[c(1, 3, 4)]")
check("spearman", "R", "cor(a, b, method = 'spearman')")
check("sign_test", "R", "with(list(d = tapply(as.numeric(called_a) - called_b, patient, sum)), binom.test(sum(d > 0), sum(d != 0))$p.value)")
check("recipe_mean", "R", "recipe(runs, spread[1:4, 1:4])")
check("recipe_difference", "R", "recipes(runs, others, spread)")
check("geometric_mean", "R", "exp(mean(log(c(4, 2.5, 0.3))))")

write_json(results, file.path(data, "references_r.json"), auto_unbox = TRUE, digits = I(17), pretty = TRUE)
cat(length(results), "values from R\n")
