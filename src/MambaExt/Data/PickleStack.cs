using System.Runtime.InteropServices;

namespace MambaExt.Data;

/// <summary>The stack of a pickle and the marks on it: nothing below the last mark can be taken.</summary>
internal sealed class PickleStack(PickleInput input)
{
    private const int MostMarks = 1000;

    private readonly List<object?> items = [];
    private readonly List<int> marks = [];

    public bool MarkIsOnTop => marks.Count > 0 && marks[^1] == items.Count;

    private int Floor => marks.Count > 0 ? marks[^1] : 0;

    public void Mark()
    {
        if (marks.Count == MostMarks)
        {
            throw input.Bad($"containers nested more than {MostMarks} deep", $"{MostMarks} levels", "flatten the data");
        }

        input.Charge(8);
        marks.Add(items.Count);
    }

    public void Push(object? value, int size = 0)
    {
        input.Charge(size + 16);
        items.Add(value);
    }

    public object? Pop()
    {
        object? top = Peek();
        items.RemoveAt(items.Count - 1);
        return top;
    }

    public object? Peek() =>
        items.Count > Floor ? items[^1] : throw input.Bad("an opcode that takes more than there is on the stack", "opcodes in the order Python writes them");

    public object?[] PopMany(int count)
    {
        if (items.Count - count < Floor)
        {
            throw input.Bad("an opcode that takes more than there is on the stack", "opcodes in the order Python writes them");
        }

        input.Charge(24 + (8 * count));
        object?[] taken = CollectionsMarshal.AsSpan(items)[^count..].ToArray();
        items.RemoveRange(items.Count - count, count);
        return taken;
    }

    public object?[] PopToMark()
    {
        if (marks.Count == 0)
        {
            throw input.Bad("an opcode that needs a mark where there is none", "opcodes in the order Python writes them");
        }

        object?[] taken = PopMany(items.Count - marks[^1]);
        marks.RemoveAt(marks.Count - 1);
        return taken;
    }
}
