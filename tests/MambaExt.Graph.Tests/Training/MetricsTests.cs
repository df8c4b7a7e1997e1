using CsCheck;
using MambaExt.Graph.Tests.Support;
using MambaExt.Training;

namespace MambaExt.Graph.Tests.Training;

public class MetricsTests
{
    [Fact]
    public void Accuracy_counts_what_is_right() => Assert.Equal(0.75, Metrics.Accuracy([0, 1, 2, 2], [0, 1, 2, 1]));

    [Fact]
    public void Roc_auc_is_the_share_of_pairs_won()
    {
        // Few distinct scores, so that most pairs tie.
        Gen.Select(Gen.Int[-3, 3], Gen.Int[0, 1]).Array[2, 60].Sample(rows =>
        {
            float[] scores = [.. rows.Select(r => r.Item1 / 2f)];
            int[] labels = [.. rows.Select(r => r.Item2)];
            if (labels.Distinct().Count() < 2)
            {
                return;
            }

            double won = 0, pairs = 0;
            for (int i = 0; i < scores.Length; i++)
            {
                for (int j = 0; j < scores.Length; j++)
                {
                    if (labels[i] == 1 && labels[j] == 0)
                    {
                        pairs++;
                        won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                    }
                }
            }

            Assert.Equal(won / pairs, Metrics.RocAuc(scores, labels), 1e-12);
        }, iter: 500);
    }

    [Fact]
    public void Zero_and_minus_zero_tie_and_infinities_rank()
    {
        Assert.Equal(0.5, Metrics.RocAuc([0f, -0f], [1, 0]));
        Assert.Equal(0.5, Metrics.RocAuc([-0f, 0f], [1, 0]));
        Assert.Equal(1, Metrics.RocAuc([float.PositiveInfinity, float.NegativeInfinity, float.MaxValue], [1, 0, 0]));
    }

    [Fact]
    public void Deviation_divides_by_one_less_than_the_count()
    {
        MeanDeviation three = Metrics.MeanAndDeviation([1, 2, 6]);
        Assert.Equal(3, three.Mean);
        Assert.Equal(Math.Sqrt(7), three.Deviation!.Value, 1e-15);
        Assert.Equal(new MeanDeviation(4, null), Metrics.MeanAndDeviation([4]));
    }

    [Fact]
    public void What_has_no_score_is_refused_in_one_sentence()
    {
        OneSentence.Of<ArgumentException>(() => Metrics.RocAuc([1, 2], [1, 1]), "All 2 labels are 1");
        OneSentence.Of<ArgumentException>(() => Metrics.RocAuc([1, float.NaN], [1, 0]), "Score 1");
        OneSentence.Of<ArgumentException>(() => Metrics.RocAuc([1, 2], [1, 2]), "Label 1 is 2");
        OneSentence.Of<ArgumentException>(() => Metrics.RocAuc([1], [1, 0]), "1 scores", "2 labels");
        OneSentence.Of<ArgumentException>(() => Metrics.Accuracy([], []), "0 predictions");
        OneSentence.Of<ArgumentException>(() => Metrics.MeanAndDeviation([]), "no values");
    }
}
