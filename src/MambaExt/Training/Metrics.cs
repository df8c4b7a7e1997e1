namespace MambaExt.Training;

/// <summary>The scores that results are made of, as fractions from 0 to 1; reports turn them into percentages.</summary>
public static class Metrics
{
    /// <summary>Share of <paramref name="predicted"/> classes that equal <paramref name="labels"/>; both [n], n at least 1.</summary>
    public static double Accuracy(ReadOnlySpan<int> predicted, ReadOnlySpan<int> labels)
    {
        RequirePairs(predicted.Length, labels.Length, "predictions");
        int right = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            right += predicted[i] == labels[i] ? 1 : 0;
        }

        return (double)right / labels.Length;
    }

    /// <summary>
    /// Area under the receiver operating characteristic: the probability that a vertex of class 1 scores above one of class 0,
    /// a tie counting half. Counted in integers, so exact up to one division.
    /// </summary>
    /// <param name="scores">Higher means class 1, [n]; any scale, infinities allowed.</param>
    /// <param name="labels">0 or 1, [n], both present.</param>
    public static double RocAuc(ReadOnlySpan<float> scores, ReadOnlySpan<int> labels)
    {
        RequirePairs(scores.Length, labels.Length, "scores");
        var sortedScores = new float[scores.Length];
        var sortedLabels = new int[labels.Length];
        long positives = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (float.IsNaN(scores[i]))
            {
                throw new ArgumentException($"Score {i} is not a number, so ROC AUC is undefined; check the loss for overflow.");
            }

            if (labels[i] is not (0 or 1))
            {
                throw new ArgumentException($"Label {i} is {labels[i]}; ROC AUC takes labels 0 and 1, use accuracy for more classes.");
            }

            // Adding zero turns -0 into 0: the two are equal but would sort apart.
            sortedScores[i] = scores[i] + 0f;
            sortedLabels[i] = labels[i];
            positives += labels[i];
        }

        long negatives = scores.Length - positives;
        if (positives == 0 || negatives == 0)
        {
            throw new ArgumentException($"All {scores.Length} labels are {labels[0]}, so ROC AUC is undefined; both classes must be present.");
        }

        Array.Sort(sortedScores, sortedLabels);
        long below = 0;
        Int128 twiceWon = 0;
        for (int i = 0; i < sortedScores.Length;)
        {
            long tiedPositives = 0, tiedNegatives = 0;
            float score = sortedScores[i];
            for (; i < sortedScores.Length && sortedScores[i] == score; i++)
            {
                tiedPositives += sortedLabels[i];
                tiedNegatives += 1 - sortedLabels[i];
            }

            twiceWon += (Int128)tiedPositives * (2 * below + tiedNegatives);
            below += tiedNegatives;
        }

        return (double)twiceWon / (2.0 * positives * negatives);
    }

    /// <summary>Mean and sample deviation (divisor n - 1) of at least one value.</summary>
    public static MeanDeviation MeanAndDeviation(ReadOnlySpan<double> values)
    {
        if (values.IsEmpty)
        {
            throw new ArgumentException("There are no values to average; give at least one.");
        }

        double sum = 0;
        foreach (double value in values)
        {
            sum += value;
        }

        double mean = sum / values.Length, squares = 0;
        foreach (double value in values)
        {
            squares += (value - mean) * (value - mean);
        }

        return new MeanDeviation(mean, values.Length > 1 ? Math.Sqrt(squares / (values.Length - 1)) : null);
    }

    private static void RequirePairs(int given, int labels, string what)
    {
        if (given != labels || labels == 0)
        {
            throw new ArgumentException($"There are {given} {what} for {labels} labels; give one for each of at least one label.");
        }
    }
}
