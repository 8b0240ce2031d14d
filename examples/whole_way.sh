#!/bin/sh
# The whole way on synthetic radiographs: make them, train the paper's two models, score them, map where the standard one
# looks, compare them in a report.
#
#     sh examples/whole_way.sh [FOLDER]
#
# Takes a few minutes on two cores and writes everything below FOLDER. With NIH's images in place of the phantom, leave
# out its line, name their folder as COHORT, and take the defaults of train (DenseNet-121 from ImageNet, 224 pixels).
# Smaller or larger: IMAGES=200 EPOCHS=1 BACKBONE=densenet_small sh examples/whole_way.sh
set -eu

out=${1:-whole-way}
overread=${OVERREAD:-overread}
images=${IMAGES:-1000} epochs=${EPOCHS:-4} backbone=${BACKBONE:-resnet18} size=${SIZE:-64} replicates=${REPLICATES:-500}
cohort=$out/phantom store=$out/store

# Chests with known truth. The drain goes with nine in ten pneumothoraces: a shortcut, which the report should find.
$overread phantom "$cohort" --images "$images" --shortcut drain=0.9 --seed 1

# Decode every image once.
$overread prepare "$cohort" --size "$size" --out "$store"

# The standard model, and the modified one, whose last layer is told gender and view.
for model in standard modified; do
    metadata=
    [ "$model" = standard ] || metadata="--metadata gender,view"
    # shellcheck disable=SC2086 # two words or none
    $overread train "$cohort" --images "$store" --out "$out/$model" $metadata \
        --backbone "$backbone" --weights none --epochs "$epochs"
    # Scores of the test split, and of the validation part that training cut out, on which thresholds are chosen.
    $overread predict "$out/$model" "$cohort" --images "$store" --split test --out "$out/$model.csv"
done

# Where the standard model looks, measured against the phantom's boxes.
$overread explain "$out/standard" "$cohort" --images "$store" --out "$out/maps"

$overread report "$out/standard.csv" "$out/modified.csv" --cohort "$cohort" --heatmaps "$out/maps" \
    --out "$out/report" --replicates "$replicates"
