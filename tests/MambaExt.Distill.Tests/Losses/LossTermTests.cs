using MambaExt.Distill.Losses;

namespace MambaExt.Distill.Tests.Losses;

public sealed class LossTermTests
{
    [Fact]
    public void Words_become_terms()
    {
        IReadOnlyList<LossTerm> terms = LossTerm.Parse("ce:0.5:smoothing=0.1, kd:0.5:temperature=2,fitnets:2:student=layers.0:teacher=layers.1:adapter=false");
        Assert.Equal(
            [
                new LossTerm("ce", 0.5) { smoothing = 0.1 }, new LossTerm("kd", 0.5) { temperature = 2 },
                new LossTerm("fitnets", 2) { student_path = "layers.0", teacher_path = "layers.1", adapter = false },
            ],
            terms);
        Assert.All(LossTerm.Names, name => Assert.Equal(name is "fitnets" or "at" ? $"{name}(s)" : name, new LossTerm(name, 1) { student_path = "s", teacher_path = "t" }.Create([1, 2], [1, 3]).Name));
    }

    [Theory]
    [InlineData("kdd:1", "no loss 'kdd'", "did you mean kd")]
    [InlineData("kd", "'kd' is no loss", "name:weight")]
    [InlineData("kd:0", "weight of loss kd is 0", "above 0")]
    [InlineData("kd:1:temperature=-1", "temperature of loss kd is -1", "above 0")]
    [InlineData("kd:1:tau=2", "no constant 'tau'", "temperature")]
    [InlineData("at:1", "does not say which", "student_path")]
    public void What_cannot_be_read_is_named(string text, params string[] words) => Refusal.Of<ArgumentException>(() => LossTerm.Parse(text), words);
}
