using System.Globalization;
using MambaExt.Kernels;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>The lines of a text file of whole numbers, with errors that name file and line. Empty lines are passed over.</summary>
internal sealed class IntegerLines(string path) : IDisposable
{
    private readonly StreamReader reader = new(path);
    private int line;
    private int attributeCount = -1;

    /// <summary>The numbers of the next line, between blanks or commas.</summary>
    public bool TryNext(out int[] numbers)
    {
        while (reader.ReadLine() is { } text)
        {
            line++;
            string[] words = Words(text);
            if (words.Length > 0)
            {
                numbers = Array.ConvertAll(words, Number);
                return true;
            }
        }

        numbers = [];
        return false;
    }

    /// <summary>The numbers of the next line, which must be there.</summary>
    public int[] Next(string wanted) => TryNext(out int[] numbers) ? numbers : throw Bad("the end of the file", wanted);

    /// <summary>The line of a vertex: tag, count and so many neighbours; numbers beyond them are its attributes.</summary>
    public int[] NextVertex(List<float[]> attributes)
    {
        string text = reader.ReadLine() ?? throw Bad("the end of the file", "a vertex: tag, number of neighbours, neighbours");
        line++;
        string[] words = Words(text);
        int count = words.Length < 2 ? -1 : Number(words[1]);
        if (count < 0 || count > words.Length - 2)
        {
            throw Bad(BadFile.Quote(text), "a vertex: tag, number of neighbours, as many neighbours");
        }

        float[] own = Array.ConvertAll(words[(2 + count)..], Real);
        attributeCount = attributeCount < 0 ? own.Length : attributeCount;
        attributes.Add(own.Length == attributeCount ? own : throw Bad($"{own.Length} numbers after the neighbours", $"{attributeCount}, as the first vertex has"));
        return Array.ConvertAll(words[..(2 + count)], Number);
    }

    /// <summary>Finite numbers of the next line, between blanks or commas.</summary>
    public bool TryNextReals(out float[] numbers)
    {
        while (reader.ReadLine() is { } text)
        {
            line++;
            if (Words(text) is { Length: > 0 } words)
            {
                numbers = Array.ConvertAll(words, Real);
                return true;
            }
        }

        numbers = [];
        return false;
    }

    public void ExpectEnd()
    {
        if (TryNext(out int[] more))
        {
            throw Bad($"{more.Length} more numbers", "nothing after the last graph");
        }
    }

    public InvalidDataException Bad(string found, string allowed) =>
        new($"{Path.GetFileName(path)}, line {line}: found {found}; allowed is {allowed}; check that this is the data set's own file.");

    public void Dispose() => reader.Dispose();

    private static string[] Words(string text) => text.Split([' ', '\t', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private int Number(string word) => int.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
        ? number
        : throw Bad(BadFile.Quote(word), "whole numbers");

    private float Real(string word) => float.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out float number) && float.IsFinite(number)
        ? number
        : throw Bad(BadFile.Quote(word), "finite numbers");
}
