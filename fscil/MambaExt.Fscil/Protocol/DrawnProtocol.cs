namespace MambaExt.Fscil.Protocol;

/// <summary>Draws a protocol from a seed: the order of classes, and which images are the shots.</summary>
public static class DrawnProtocol
{
    /// <summary>Draws.</summary>
    /// <param name="trainLabels">Label of each training image</param>
    /// <param name="testLabels">Label of each test image</param>
    /// <param name="labels">K of the data</param>
    /// <param name="options">Sizes and seed</param>
    /// <param name="names">Of the labels, for messages; their numbers where there are none</param>
    /// <exception cref="ArgumentException">The data has too few classes, or a class too few images.</exception>
    public static FscilProtocol Draw(IReadOnlyList<int> trainLabels, IReadOnlyList<int> testLabels, int labels, ProtocolOptions options, IReadOnlyList<string>? names = null)
    {
        int sessions = options.sessions > 0 ? options.sessions : options.ways > 0 ? (labels - options.base_classes) / options.ways : 0;
        int wanted = checked(options.base_classes + (sessions * options.ways));
        if (options.base_classes < 2 || options.ways < 1 || options.shots < 1 || sessions < 1 || wanted > labels)
        {
            throw new ArgumentException(
                $"A protocol of {options.base_classes} + {sessions} x {options.ways} classes and {options.shots} shots was asked for and the data has {labels} classes; give at least 2 base classes, 1 way and 1 shot that fit.");
        }

        int[] order = RandomPermutation.Of(labels, (ulong)options.seed, RandomStream.Splits)[..wanted];
        ILookup<int, int> train = Enumerable.Range(0, trainLabels.Count).ToLookup(i => trainLabels[i]), test = Enumerable.Range(0, testLabels.Count).ToLookup(i => testLabels[i]);
        var made = new List<FscilSession>();
        for (int t = 0, first = 0; t <= sessions; t++)
        {
            int count = t == 0 ? options.base_classes : options.ways;
            int[] classes = order[first..(first + count)];
            int[] chosen = [.. classes.SelectMany(label => t == 0 ? Require(train[label], label, 1) : Shots(label))];
            made.Add(new FscilSession(t, first, count, chosen, [.. classes.SelectMany(label => test[label])]));
            first += count;
        }

        return new FscilProtocol(FormattableString.Invariant($"seed {options.seed}"), order, labels, made);

        int[] Shots(int label)
        {
            int[] all = Require(train[label], label, options.shots);
            int[] shuffled = RandomPermutation.Of(all.Length, (ulong)options.seed, RandomStream.Splits, label + 1);
            return [.. shuffled[..options.shots].Order().Select(i => all[i])];
        }

        int[] Require(IEnumerable<int> images, int label, int least)
        {
            int[] all = [.. images];
            return all.Length >= least && test[label].Any()
                ? all
                : throw new ArgumentException($"The class {(names is null ? $"with label {label}" : names[label])} has {all.Length} training and {test[label].Count()} test images, and {least} and 1 are needed; give fewer shots, or more images.");
        }
    }
}
