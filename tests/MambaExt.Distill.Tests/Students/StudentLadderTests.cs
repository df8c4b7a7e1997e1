using MambaExt.Distill.Accounting;
using MambaExt.Distill.Students;

namespace MambaExt.Distill.Tests.Students;

public sealed class StudentLadderTests
{
    [Fact]
    public void Students_are_found_just_below_their_share()
    {
        var teacher = new PatchMambaOptions();
        double[] shares = [0.01, 0.05, 0.2, 0.6];
        IReadOnlyList<PatchMambaOptions> ladder = StudentLadder.ForTarget(teacher, shares);
        long whole = FlopCount.Total(teacher).flops;
        foreach (var (share, student) in shares.Zip(ladder))
        {
            Assert.InRange(FlopCount.Total(student).flops / (share * whole), StudentLadder.Near, 1);
        }

        Assert.Equal(14, ladder[0].patch);
        Assert.Equal(7, ladder[3].patch);
    }

    [Fact]
    public void A_target_that_nobody_meets_is_named() =>
        Refusal.Of<ArgumentException>(() => StudentLadder.ForTarget(new PatchMambaOptions(), 1000), "at most 1,000 FLOPs", "smallest of the search", "larger target");

    [Fact]
    public void Sizes_that_cannot_be_are_named()
    {
        Refusal.Of<ArgumentException>(() => StudentLadder.Of(new PatchMambaOptions(), "14x12x8"), "'14x12x8'", "14x12x8x1");
        Refusal.Of<ArgumentException>(() => StudentLadder.Of(new PatchMambaOptions(), "5x12x8x1"), "patch is 5", "divisors of 28");
        Refusal.Of<ArgumentException>(() => StudentLadder.ForTarget(new PatchMambaOptions(), [1.5]), "1.5", "at most 1");
    }
}
